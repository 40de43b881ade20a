/// What a server knows of both versions' counters.
package enum CounterAnswer: Hashable, Sendable {
    /// - Parameter at: The server's own time when it was asked.
    case samples(canary: [CounterSeries], stable: [CounterSeries], at: Timestamp)
    case noData(String)
    case error(String)
}
