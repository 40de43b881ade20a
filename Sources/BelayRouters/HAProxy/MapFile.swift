internal import BelayCore
internal import BelayEngine
internal import Glibc

/// HAProxy's map file: read by HAProxy only when it starts or reloads, written after the runtime value.
///
/// Belay changes only the bytes of its own value: other keys' lines, their encoding and their line ends stay as they
/// are.
struct MapFile: Sendable {
    /// What a reload would start with.
    enum Value: Hashable, Sendable {
        case text(String)
        /// The file has no such key, or nothing at all in it: unknown, never 0.
        case missing
    }

    /// As the target names it; where that is a symbolic link, the file it leads to.
    let path: String
    let key: String

    init(path: String, key: String) {
        self.path = OwnedFile.resolved(path)
        self.key = key
    }

    /// The value of our key. As in HAProxy the first line of a key counts.
    /// - Throws: ``FileFailure`` where it cannot be read.
    func value() throws(FileFailure) -> Value {
        let bytes = try OwnedFile.read(path)
        guard let place = values(in: bytes).first else { return .missing }
        return .text(String(decoding: bytes[place], as: UTF8.self))
    }

    /// How many lines have our key; more than one is a mistake that a reload would show.
    func keyCount() throws(FileFailure) -> Int { values(in: try OwnedFile.read(path)).count }

    /// Writes our key's value and leaves every other byte: a new file is made beside the old one, synced, and renamed
    /// over it. Where somebody else has changed the file meanwhile (an editor, or another key's driver without the
    /// lock), it is read again and that change is kept.
    /// - Parameter isWanted: Asked last, before the file is replaced. A text stops the write, and is thrown.
    func set(_ value: Int, isWanted: () -> String? = { nil }) throws(FileFailure) {
        for _ in 1..<Self.attempts {
            let before = try OwnedFile.read(path)
            var isChanged = false
            do throws(FileFailure) {
                return try OwnedFile.replace(path, with: changed(before, value)) {
                    if let why = isWanted() { return why }
                    isChanged = (try? OwnedFile.read(path)) != before
                    return isChanged ? "\(path) was changed meanwhile" : nil
                }
            } catch {
                if !isChanged { throw error }
            }
        }
        try OwnedFile.replace(path, with: changed(try OwnedFile.read(path), value), isWanted: isWanted)
    }

    private static let attempts = 4

    private func changed(_ before: [UInt8], _ value: Int) -> [UInt8] {
        var bytes = before
        let text = Array("\(value)".utf8)
        if let place = values(in: bytes).first {
            bytes.replaceSubrange(place, with: (place.isEmpty ? [UInt8(ascii: " ")] : []) + text)
        } else {
            let end: [UInt8] =
                bytes.firstRange(of: [.carriageReturn, .lineFeed]) == nil ? [.lineFeed] : [.carriageReturn, .lineFeed]
            if let last = bytes.last, last != .lineFeed { bytes += end }
            bytes += Array(key.utf8) + [UInt8(ascii: " ")] + text + end
        }
        return bytes
    }

    /// The places of our key's values. Lines are read as HAProxy reads them: `#` begins a comment, blanks divide,
    /// leading blanks are skipped, and CR and LF end the value.
    private func values(in bytes: [UInt8]) -> [Range<Int>] {
        var values: [Range<Int>] = []
        let wanted = Array(key.utf8)
        var start = 0
        while start < bytes.count {
            let end = bytes[start...].firstIndex(of: .lineFeed) ?? bytes.count
            defer { start = end + 1 }
            if bytes[start] == UInt8(ascii: "#") { continue }
            let line = bytes[start..<end]
            guard let first = line.firstIndex(where: { !$0.isBlank }) else { continue }
            let keyEnd = line[first...].firstIndex(where: \.isBlank) ?? end
            guard line[first..<keyEnd].elementsEqual(wanted) else { continue }
            let from = line[keyEnd...].firstIndex { !$0.isBlank } ?? keyEnd
            let to = line[from...].lastIndex { !$0.isBlank }.map { $0 + 1 } ?? from
            values.append(from..<to)
        }
        return values
    }
}

extension UInt8 {
    fileprivate static let lineFeed = UInt8(ascii: "\n")
    fileprivate static let carriageReturn = UInt8(ascii: "\r")
    fileprivate var isBlank: Bool { self == UInt8(ascii: " ") || (9...13).contains(self) }
}
