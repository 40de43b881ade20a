import BelayCLI

await Belay.main()
