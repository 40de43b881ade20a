internal import BelayCommands
internal import BelayCore
internal import BelayEngine
internal import Glibc

/// The file with the share's number, and the user's programs around it.
struct ShareFile: Sendable {
    /// What a number was read as.
    enum Number: Hashable, Sendable {
        case number(Int)
        /// There is none: an empty file, or none at all. Unknown, and never 0.
        case missing
        /// There is something else.
        case foreign(String)
    }

    /// A program of the user's may take so long.
    static let commandLimit: Duration = .seconds(1)

    let target: FileTraffic
    /// As the target names it; where that is a symbolic link, the file it leads to.
    private let path: String

    init(_ target: FileTraffic) {
        self.target = target
        path = OwnedFile.resolved(target.path)
    }

    /// - Throws: ``FileFailure`` where the file cannot be read.
    func number() throws(FileFailure) -> Number {
        Self.number(in: String(decoding: try OwnedFile.read(path), as: UTF8.self))
    }

    private static func number(in text: String) -> Number {
        let words = text.split(whereSeparator: \.isWhitespace)
        guard let word = words.first else { return .missing }
        guard words.count == 1, let number = Int(word), word.allSatisfy(\.isNumber) else {
            return .foreign(text.shortened.printable)
        }
        return .number(number)
    }

    /// - Parameter isWanted: Asked last, before the file is replaced; what it answers is the complaint.
    /// - Returns: What went wrong; nil where the number is there.
    func write(_ number: Int, isWanted: () -> String? = { nil }) -> String? {
        do throws(FileFailure) {
            if try self.number() == .number(number) { return isWanted() }
        } catch {
            // It is written all the same: the way back must not depend on what was there.
        }
        do throws(FileFailure) {
            try OwnedFile.replace(path, with: Array("\(number)\n".utf8), isWanted: isWanted)
            return nil
        } catch {
            return error.message
        }
    }

    /// Tells the user's program of a number, where there is one to be told.
    /// - Returns: What went wrong; nil where it ended with 0.
    func announce(_ number: Int) async -> String? {
        guard let name = target.run.first else { return nil }
        var command = CommandRunner(target.run, timeout: Self.commandLimit)
        command.directory = "/"
        command.environment = [
            ("BELAY_FILE", target.path), ("BELAY_SHARE", "\(number)"), ("BELAY_SCALE", "\(target.scale)"),
        ]
        return await command.run().complaint(of: name, limit: Self.commandLimit.text)
    }

    /// The number in force, as the user's program says; nil where there is none to be asked.
    func inForce() async -> Result<Number, FileFailure>? {
        guard let name = target.read.first else { return nil }
        var command = CommandRunner(target.read, timeout: Self.commandLimit)
        command.directory = "/"
        let outcome = await command.run()
        if let complaint = outcome.complaint(of: name, limit: Self.commandLimit.text) {
            return .failure(FileFailure(message: complaint))
        }
        guard case .exited(_, let output, _) = outcome else { return nil }
        return .success(Self.number(in: output))
    }

    /// Why the user's programs cannot be run; empty where they can, or where nobody knows before.
    var missingPrograms: [String] {
        [target.run, target.read].compactMap(\.first).filter { $0.contains("/") }.compactMap { path in
            guard access(path, X_OK) != 0 else { return nil }
            return "\(path): \(String(cString: strerror(errno)))"
        }
    }
}
