import Foundation
import Testing

/// The boundaries as tests: which target imports what, and what no file may have.
@Suite("Tidy")
struct TidyTests {
    /// The table of the design: what a target may import. Ours first, then packages and the platform.
    static let allowed: [String: Set<String>] = [
        "BelayCore": [],
        "BelayAnalysis": ["BelayCore", "Glibc"],
        "BelaySpec": ["BelayCore", "BelayAnalysis", "Yams"],
        "BelayPlatform": ["BelayCore", "Yams", "Foundation", "Glibc", "Dispatch"],
        "BelayReport": ["BelayCore", "BelayPlatform"],
        "BelayEngine": [
            "BelayCore", "BelayAnalysis", "BelayPlatform", "Foundation", "Glibc", "Dispatch", "Synchronization",
        ],
        "BelayHTTP": ["BelayCore", "BelayPlatform", "CCurl", "CCrypto", "Glibc", "Synchronization"],
        "BelayJournal": ["BelayCore", "BelayPlatform", "BelayEngine", "GRDB", "CCrypto", "Foundation", "Glibc"],
        "BelayCommands": ["Subprocess", "SystemPackage", "Foundation", "Glibc", "Synchronization"],
        "BelayRouters": [
            "BelayCore", "BelayPlatform", "BelayEngine", "BelayHTTP", "BelayCommands", "Foundation", "Glibc",
            "Dispatch",
        ],
        "BelayMetrics": [
            "BelayCore", "BelayPlatform", "BelayEngine", "BelayHTTP", "BelayCommands", "Foundation", "Glibc",
        ],
        "BelayCLI": [
            "BelayCore", "BelayAnalysis", "BelayPlatform", "BelaySpec", "BelayEngine", "BelayHTTP", "BelayJournal",
            "BelayRouters", "BelayKubernetes", "BelayMetrics", "BelayReport", "BelayDemo", "ArgumentParser", "CSignals",
            "Foundation",
            "Glibc", "Dispatch",
        ],
        "BelayDemo": ["BelayPlatform", "Subprocess", "SystemPackage", "Foundation", "Glibc", "Synchronization"],
        "belay": ["BelayCLI", "CSignalsAtStart"],
        "BelayKubernetesDouble": ["BelayCore", "BelayPlatform"],
        "BelayKubernetesServer": [
            "BelayCore", "BelayPlatform", "BelayKubernetesDouble", "Subprocess", "SystemPackage", "Foundation", "Glibc",
            "NIOCore", "NIOPosix", "NIOHTTP1", "NIOHTTP2", "NIOSSL",
        ],
        "BelayKubeDouble": [
            "BelayCore", "BelayKubernetesDouble", "BelayKubernetesServer", "Foundation", "Glibc", "Dispatch",
        ],
        "BelayKubernetes": [
            "BelayCore", "BelayPlatform", "BelayEngine", "BelayHTTP", "BelayCommands", "Foundation", "Glibc",
        ],
        "BelayTestSupport": ["BelayCore", "BelayAnalysis", "BelayPlatform", "BelayEngine", "Dispatch"],
        "BelaySoak": [
            "BelayTestSupport", "BelayAnalysis", "BelayCore", "BelayPlatform", "BelayKubernetes", "Dispatch", "Glibc",
        ],
    ]

    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    @Test("a target imports what the design allows", arguments: allowed.keys.sorted())
    func imports(target: String) throws {
        for file in try Self.swiftFiles(below: "Sources/\(target)") {
            for line in try Self.lines(of: file) {
                let words = line.split(separator: " ")
                guard let index = words.firstIndex(of: "import"), index <= 1, words.count > index + 1 else { continue }
                if index == 1, !["internal", "package", "public", "private"].contains(words[0]) { continue }
                let module = String(
                    words[index + 1] == "func" ? words[index + 2].prefix { $0 != "." } : words[index + 1])
                if target == "BelayAnalysis", module == "Glibc" {
                    #expect(words[index + 1] == "func", "\(file.lastPathComponent) imports more than functions")
                }
                #expect(Self.allowed[target]!.contains(module), "\(file.lastPathComponent) imports \(module)")
            }
        }
    }

    @Test func `every target is in the table`() throws {
        let folders = try FileManager.default.contentsOfDirectory(atPath: Self.root.appending(path: "Sources").path)
        let targets = folders.filter { !$0.hasPrefix("C") }
        #expect(Set(targets).subtracting(Self.allowed.keys).isEmpty)
    }

    @Test func `the core knows no clock, no task and no stored format`() throws {
        for file in try Self.swiftFiles(below: "Sources/BelayCore") {
            let text = try String(contentsOf: file, encoding: .utf8)
            for word in [" async", "await ", "Codable", "Clock.now", ".random(", "Date(", "print("] {
                #expect(!text.contains(word), "\(file.lastPathComponent) has `\(word)`")
            }
        }
    }

    @Test func `the engine names no vendor`() throws {
        for file in try Self.swiftFiles(below: "Sources/BelayEngine") {
            let text = try String(contentsOf: file, encoding: .utf8).lowercased()
            for word in ["haproxy", "prometheus", "sqlite", "nginx", "envoy"] {
                #expect(!text.contains(word), "\(file.lastPathComponent) names \(word)")
            }
        }
    }

    /// What a vendor may be named by: its value and its reader, its folder, one case in the registry, the rig of real servers,
    /// the list of ready files, and one imaginary target for tests.
    @Test func `a vendor's name stands in its own rooms alone`() throws {
        let vendors = ["haproxy", "nginx", "envoy", "istio", "gatewayapi", "caddy", "traefik", "kubernetes"]
        let rooms = [
            "BelayCore/Model/Traffic/", "BelaySpec/Traffic/", "BelayDemo/", "BelayCLI/Demo/",
            "BelayCore/Model/Cluster/", "BelaySpec/Cluster/", "BelayKube", "BelayCLI/Cluster/",
            "BelaySoak/AnswerFuzz.swift",
            "BelayCLI/Files/ReadyFiles.swift", "BelayTestSupport/ImaginaryTarget.swift",
        ]
        let base = Self.root.appending(path: "Sources").path + "/"
        for file in try Self.swiftFiles(below: "Sources") {
            let path = String(file.path.dropFirst(base.count))
            if rooms.contains(where: path.hasPrefix) { continue }
            let text = try String(contentsOf: file, encoding: .utf8).lowercased()
            for vendor in vendors where !path.lowercased().hasPrefix("belayrouters/\(vendor)/") {
                #expect(!text.contains(vendor), "\(path) names \(vendor)")
            }
        }
    }

    @Test func `every type and function that another module sees has a doc comment`() throws {
        let declares = try Regex(
            #"^\s*(@\w+(\(.*?\))?\s+)*package ((static|final|mutating|indirect|convenience|nonisolated) )*"#
                + #"(func|struct|enum|class|protocol|typealias) "#)
        for file in try Self.swiftFiles(below: "Sources") {
            let lines = try Self.lines(of: file)
            for (number, line) in lines.enumerated() where line.firstMatch(of: declares) != nil {
                var above = number - 1
                while above >= 0, lines[above].contains("@"), !lines[above].contains("///") { above -= 1 }
                #expect(
                    above >= 0 && lines[above].drop { $0 == " " }.hasPrefix("///"),
                    "\(file.lastPathComponent):\(number + 1) says nothing about itself")
            }
        }
    }

    /// What a file's own code alone needs may stand beside it, and is private then.
    @Test func `a file holds one top-level type, and has its name`() throws {
        let declares = try Regex(
            #"^((package|public|internal|final|indirect) )*(struct|enum|class|protocol|actor) (?<name>\w+)"#)
        for file in try Self.swiftFiles(below: "Sources") {
            let names = try Self.lines(of: file).compactMap { line in
                line.firstMatch(of: declares).flatMap { $0["name"]?.substring.map(String.init) }
            }
            let stem = file.deletingPathExtension().lastPathComponent.split(separator: "+")[0]
            #expect(names.count <= 1, "\(file.lastPathComponent) holds \(names.joined(separator: ", "))")
            if let name = names.first { #expect(name == stem, "\(file.lastPathComponent) holds \(name)") }
        }
    }

    @Test func `no file is longer than 400 lines and no line than 160 columns`() throws {
        for file in try Self.swiftFiles(below: "Sources") + Self.swiftFiles(below: "Tests") {
            let lines = try Self.lines(of: file)
            #expect(lines.count <= 400, "\(file.lastPathComponent) has \(lines.count) lines")
            for (number, line) in lines.enumerated() {
                #expect(line.count <= 160, "\(file.lastPathComponent):\(number + 1) has \(line.count) columns")
            }
        }
    }

    @Test func `nothing is left for later in the code`() throws {
        let words = ["TO" + "DO", "FIX" + "ME", "X" + "XX"]
        for file in try Self.swiftFiles(below: "Sources") + Self.swiftFiles(below: "Tests") {
            let text = try String(contentsOf: file, encoding: .utf8)
            for word in words { #expect(!text.contains(word), "\(file.lastPathComponent) has \(word)") }
        }
    }

    static func swiftFiles(below folder: String) throws -> [URL] {
        let base = root.appending(path: folder)
        let found = FileManager.default.enumerator(at: base, includingPropertiesForKeys: nil)
        return (found?.allObjects ?? []).compactMap { $0 as? URL }.filter { $0.pathExtension == "swift" }
    }

    static func lines(of file: URL) throws -> [Substring] {
        try String(contentsOf: file, encoding: .utf8).split(separator: "\n", omittingEmptySubsequences: false)
    }
}
