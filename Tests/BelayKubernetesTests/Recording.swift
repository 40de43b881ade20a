import BelayCore
import BelayPlatform
import Foundation

/// One exchange with a real API server.
struct Recording {
    let number: Int
    let about: String
    let identity: String
    let method: String
    let path: String
    let headers: [(String, String)]
    let body: JSONValue?
    let status: Int
    let warnings: [String]
    let answer: JSONValue?
    /// Events of a watch, oldest first; nil where it is none.
    let stream: [JSONValue]?

    static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()

    static func all() throws -> [Recording] {
        let files = try FileManager.default.contentsOfDirectory(
            at: folder.appending(path: "Recordings"), includingPropertiesForKeys: nil)
        return try files.filter { $0.pathExtension == "json" }.sorted { $0.path < $1.path }.map(Recording.init)
    }

    init(_ file: URL) throws {
        let json = try JSONText.parse(String(contentsOf: file, encoding: .utf8))
        number = Int(file.lastPathComponent.prefix(3)) ?? 0
        about = json["about"]?.string ?? ""
        identity = json["as"]?.string ?? ""
        let (request, response) = (json["request"]!, json["response"]!)
        method = request["method"]?.string ?? ""
        path = request["path"]?.string ?? ""
        headers = Self.pairs(request["headers"])
        body = request["body"]
        status = response["status"]?.count ?? 0
        warnings = Self.pairs(response["headers"]).filter { $0.0 == "Warning" }.map(\.1)
        answer = response["body"]
        stream = response["stream"]?.array?.compactMap { $0["event"] }
    }

    private static func pairs(_ json: JSONValue?) -> [(String, String)] {
        guard case .object(let members)? = json else { return [] }
        return members.compactMap { member in member.value.string.map { (member.key, $0) } }
    }
}
