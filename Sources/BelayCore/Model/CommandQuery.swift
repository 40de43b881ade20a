/// A program whose exit status or output is the result.
package struct CommandQuery: Hashable, Sendable {
    /// Which result of a program is the metric's value.
    package enum Reads: String, Hashable, Sendable, CaseIterable {
        /// Standard output, one JSON value; another status than 0 is an error.
        case output
        /// The exit status, 0…255.
        case exitStatus
    }

    /// The program first. No shell is in between.
    package var arguments: [String]
    package var environment: [Header] = []
    /// Where it runs; nil: where Belay does.
    package var directory: String?
    /// After this time the program's whole process group is ended.
    package var timeout: Duration = .seconds(30)
    package var reads = Reads.output

    package init(arguments: [String]) { self.arguments = arguments }
}
