internal import BelayCore
internal import BelaySpec
internal import Foundation

/// Reads files for the loader: looks at a file's size before it is parsed, and finds what a `ref` means.
enum SpecFiles {
    private static let sizeLimit = 1 << 20

    /// - Throws: ``CommandFailure`` 2 where the file cannot be read or is too large.
    static func read(_ path: String) throws(CommandFailure) -> SpecSource {
        let attributes = Result { try FileManager.default.attributesOfItem(atPath: path) }
        guard case .success(let found) = attributes, found[.type] as? FileAttributeType != .typeDirectory else {
            throw CommandFailure(.invalid, "\(path):1:1: there is no such file; nothing was touched")
        }
        if let size = found[.size] as? Int, size > sizeLimit {
            throw CommandFailure(.invalid, "\(path):1:1: \(size) bytes; 1 MB is the limit, nothing was read")
        }
        guard let data = FileManager.default.contents(atPath: path) else {
            throw CommandFailure(.invalid, "\(path):1:1: cannot be read; nothing was touched")
        }
        return SpecSource(file: path, text: String(decoding: data, as: UTF8.self))
    }

    /// Only the router of a rollout's file, whatever is wrong with the rest.
    static func traffic(_ file: String, overrides: [String]) throws(CommandFailure) -> Traffic {
        let (source, loader) = (try read(file), try loader(overrides: overrides))
        let traffic: Traffic
        do throws(SpecFailure) {
            traffic = try loader.traffic(source)
        } catch {
            throw CommandFailure(error)
        }
        return try ClusterPlace.locate(traffic)
    }

    /// `NAME.yaml` beside the file that names it, then in `strategies/` or `analysis-templates/` there, then the one inside
    /// the binary.
    static func resolve(_ kind: SpecKind, _ name: String, _ from: String) -> SpecSource? {
        guard !name.contains("/"), !name.hasPrefix(".") else { return nil }
        let folder = URL(fileURLWithPath: from).deletingLastPathComponent().relativePath
        let inner = kind == .strategy ? "strategies" : "analysis-templates"
        for path in ["\(folder)/\(name).yaml", "\(folder)/\(inner)/\(name).yaml"] {
            let shown = path.hasPrefix("./") ? String(path.dropFirst(2)) : path
            if FileManager.default.fileExists(atPath: path), let source = try? read(shown) { return source }
        }
        return ReadyFiles.source(kind, name)
    }

    static func loader(overrides: [String] = []) throws(CommandFailure) -> SpecLoader {
        var pairs: [(path: String, value: String)] = []
        for text in overrides {
            guard let equals = text.firstIndex(of: "="), equals > text.startIndex else {
                throw CommandFailure(ExitStatus(rawValue: 64), "--set \(text): path=value is expected")
            }
            pairs.append((String(text[..<equals]), String(text[text.index(after: equals)...])))
        }
        return SpecLoader(
            environment: ProcessInfo.processInfo.environment, overrides: pairs,
            names: { ReadyFiles.files($0).keys.sorted() }, resolve: resolve)
    }
}
