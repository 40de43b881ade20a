internal import BelayAnalysis
internal import BelayCore

/// Reads a told history as the gate does, window by window.
protocol HistoryReader {
    init(_ query: CounterQuery, start: Timestamp)

    mutating func next(
        canary: [CounterSeries], stable: [CounterSeries], until: Timestamp, share: Double
    ) -> CounterWindows.Next

    /// What the last window was made of.
    var pieces: (canary: [CountedPiece], stable: [CountedPiece]) { get }
    /// Why something of it was left out.
    var distortions: [Distortion] { get }
}

extension CounterWindows: HistoryReader {
    init(_ query: CounterQuery, start: Timestamp) { self.init(query, start: start, fastest: nil) }
}
