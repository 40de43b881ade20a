import BelayCLI
import CSignalsAtStart

csignals_at_start()
await Belay.main()
