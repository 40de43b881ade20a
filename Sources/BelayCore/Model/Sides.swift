/// The two halves of a router, in the order the file gives them. The router's value is the share of `second`.
package struct Sides: Hashable, Sendable {
    package let first: Side
    package let second: Side

    package init(first: Side, second: Side) {
        self.first = first
        self.second = second
    }

    package var names: [String] { [first.name, second.name] }
}
