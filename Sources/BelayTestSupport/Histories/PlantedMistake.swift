internal import BelayAnalysis
internal import BelayCore

/// Mistakes that a reader may make, each a reader of its own: the law has to find every one of them.
package enum PlantedMistake: String, CaseIterable, Sendable {
    /// The same requests under two label sets count twice.
    case copiesCounted
    /// A series under new labels counts from 0, even where another one ended as it appeared.
    case renameIsBirth
    /// Every fall is a restart.
    case fallIsRestart
    /// A child counts from its first sample on, which loses its first errors.
    case birthIgnored
    /// Each piece is said to begin where its window begins, though its oldest sample is older.
    case oldestSampleForgotten
    /// Samples that have been counted are counted again.
    case readTwice
    /// A window without any request is an answer.
    case emptyIsData
    /// A sample that arrives late is dropped.
    case lateSamplesLost

    func reader(_ query: CounterQuery, start: Timestamp) -> any HistoryReader {
        MistakenReader(self, query, start: start)
    }
}
