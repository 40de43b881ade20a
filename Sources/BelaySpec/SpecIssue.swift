/// One thing that is wrong with a file: prints `canary.yaml:7:13: weight 120 is not in 0…100`.
package struct SpecIssue: Error, Hashable, Sendable, CustomStringConvertible {
    package let file: String
    /// Line and column, both from 1.
    package let line: Int
    package let column: Int
    package let message: String

    package var description: String { "\(file):\(line):\(column): \(message)" }
}
