/// A mistake in the description of a target that is found without looking at the target itself.
package struct TargetMistake: Hashable, Sendable {
    /// Where it stands, seen from the target's own part of the file: `map.file`, `instances[1].socket`.
    package let path: String
    package let message: String

    package init(_ path: String, _ message: String) {
        self.path = path
        self.message = message
    }
}
