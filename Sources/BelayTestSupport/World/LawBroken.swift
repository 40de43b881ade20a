/// A law that was seen to break.
package struct LawBroken: Error, Sendable {
    package let law: Int
    package let message: String
}
