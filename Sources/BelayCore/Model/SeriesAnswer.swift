/// What a provider answers for a judge: both versions' values, series by series.
package enum SeriesAnswer: Hashable, Sendable {
    /// Both versions' series for one query.
    package struct Pair: Hashable, Sendable {
        package let canary: [TimeSeries]
        package let stable: [TimeSeries]

        package init(canary: [TimeSeries], stable: [TimeSeries]) {
            self.canary = canary
            self.stable = stable
        }
    }

    case pairs([Pair])
    case noData(String)
    case error(String)
}
