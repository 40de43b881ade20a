internal import BelayAnalysis
internal import BelayCore
internal import Yams

/// Reads a program and what is said about it: `[./deploy.sh, "{{canary.side}}"]`, or `{command: […], timeout: 5m}`.
enum CommandReader {
    private static let fields = ["command", "timeout", "onCrash", "workingDirectory"]

    /// - Parameter onCrash: Where the file says nothing.
    static func read(_ reader: SpecReader, onCrash: CommandAction.OnCrash = .ask) -> CommandUse? {
        if case .sequence = reader.node { return list(reader).map { use($0, reader, onCrash) } }
        guard let fields = reader.fields(fields) else { return nil }
        return read(fields, reader, onCrash)
    }

    /// A step's `run`, whose kinds other than `command` come later.
    static func readRun(_ reader: SpecReader) -> CommandUse? {
        guard let fields = reader.fields(fields, later: ["job", "http"]) else { return nil }
        return read(fields, reader, .ask)
    }

    private static func read(
        _ fields: SpecFields, _ reader: SpecReader, _ onCrash: CommandAction.OnCrash
    ) -> CommandUse? {
        let arguments = fields.required("command").flatMap(list)
        var use = use(arguments ?? ["-"], reader, onCrash)
        if let timeout = fields["timeout"], let limit = timeout.duration() {
            if limit < .seconds(1) || limit > .seconds(86_400) { timeout.fail("a time of 1s to 24h is expected") }
            use.action.timeout = limit
        }
        if let answer = fields["onCrash"]?.choice(CommandAction.OnCrash.self) { use.action.onCrash = answer }
        use.action.directory = fields["workingDirectory"]?.nonEmptyText()
        return arguments == nil ? nil : use
    }

    private static func use(
        _ arguments: [String], _ reader: SpecReader, _ onCrash: CommandAction.OnCrash
    ) -> CommandUse {
        var action = CommandAction(arguments)
        action.onCrash = onCrash
        return CommandUse(action: action, reader: reader)
    }

    private static func list(_ reader: SpecReader) -> [String]? {
        guard let items = reader.list() else { return nil }
        let arguments = items.compactMap { $0.text() }
        if items.isEmpty || arguments.first?.isEmpty ?? false {
            reader.fail("a program and its arguments are expected, as a list")
            return nil
        }
        return arguments.count == items.count ? arguments : nil
    }
}
