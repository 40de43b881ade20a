/// A file's name for messages, and its text.
package struct SpecSource: Sendable {
    package let file: String
    package let text: String

    package init(file: String, text: String) {
        self.file = file
        self.text = text
    }
}
