/// A program of the user's as an action.
package struct CommandAction: Hashable, Sendable {
    /// What follows where the driver ended while the program ran, so that nobody knows whether it did its work.
    package enum OnCrash: String, Hashable, Sendable, CaseIterable {
        /// The program runs once more. This is for a program that has the same effect whether it runs once or twice.
        case rerun
        /// It counts as failed.
        case fail
        /// A person decides.
        case ask
    }

    /// The program and its arguments; a name without a slash is looked for in `PATH`.
    package var arguments: [String]
    /// After this time the program is ended with all its children. 1 s to 24 h.
    package var timeout: Duration = .seconds(600)
    package var onCrash = OnCrash.ask
    /// The folder in which the program runs. It is absolute once the rollout has started, since a driver that takes
    /// over may run in another folder.
    package var directory: String?
    /// Whether the program runs again and again, within `timeout`, until it ends with status 0. Until then another
    /// status is no failure.
    package var isRepeated = false

    package init(_ arguments: [String]) { self.arguments = arguments }

    /// As people type it, at most 120 characters.
    package var words: String {
        let text = arguments.joined(separator: " ").printable
        return text.count > 120 ? text.prefix(119) + "…" : text
    }
}

extension CommandAction {
    package var json: JSONValue {
        .members([
            "command": .strings(arguments), "timeout": .duration(timeout),
            "onCrash": .string(onCrash.rawValue), "directory": directory.map { .string($0) },
            "repeated": isRepeated ? .bool(true) : nil,
        ])
    }

    /// - Returns: nil where there is none.
    /// - Throws: ``Unreadable`` where a later version wrote it.
    package static func optional(_ json: JSONValue?) throws(Unreadable) -> CommandAction? {
        guard let json else { return nil }
        return try CommandAction(json: json)
    }

    /// - Throws: ``Unreadable`` where a later version wrote it.
    package init(json: JSONValue) throws(Unreadable) {
        self.init(json["command"]?.strings ?? [])
        guard !arguments.isEmpty else { throw Unreadable() }
        timeout = try need(json["timeout"]?.duration)
        onCrash = try need(json["onCrash"]?.string.flatMap { OnCrash(rawValue: $0) })
        directory = json["directory"]?.string
        isRepeated = json["repeated"]?.bool ?? false
    }
}
