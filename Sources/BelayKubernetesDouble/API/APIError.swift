internal import BelayCore

/// A refusal, as the `Status` that a server answers with.
struct APIError: Error {
    /// What is wrong with one field.
    struct Cause {
        let reason: String?
        let message: String
        let field: String?
    }

    let code: Int
    let reason: String?
    let message: String
    var details: JSONValue?

    var status: JSONValue {
        .members([
            "kind": "Status", "apiVersion": "v1", "metadata": .empty, "status": "Failure", "message": .string(message),
            "reason": reason.map { .string($0) }, "details": details, "code": .int(Int64(code)),
        ])
    }

    static func details(_ type: ResourceType, _ name: String?, isKind: Bool = false, _ causes: [Cause] = [])
        -> JSONValue
    {
        .members([
            "name": name.map { .string($0) }, "group": type.group.isEmpty ? nil : .string(type.group),
            "kind": .string(isKind ? type.kind : type.plural),
            "causes": causes.isEmpty
                ? nil
                : .array(
                    causes.map { cause in
                        .members([
                            "reason": cause.reason.map { .string($0) }, "message": .string(cause.message),
                            "field": cause.field.map { .string($0) },
                        ])
                    }),
        ])
    }

    static func notFound(_ type: ResourceType, _ name: String) -> APIError {
        APIError(
            code: 404, reason: "NotFound", message: "\(type.qualifiedPlural) \"\(name)\" not found",
            details: details(type, name))
    }

    static func exists(_ type: ResourceType, _ name: String) -> APIError {
        APIError(
            code: 409, reason: "AlreadyExists", message: "\(type.qualifiedPlural) \"\(name)\" already exists",
            details: details(type, name))
    }

    static func conflict(_ type: ResourceType, _ name: String) -> APIError {
        APIError(
            code: 409, reason: "Conflict",
            message:
                "Operation cannot be fulfilled on \(type.qualifiedPlural) \"\(name)\": the object has been modified; please apply your "
                + "changes to the latest version and try again",
            details: details(type, name))
    }

    static func invalid(_ type: ResourceType, _ name: String, _ causes: [Cause]) -> APIError {
        let words = causes.map { "\($0.field ?? ""): \($0.message)" }
        let list = words.count == 1 ? words[0] : "[\(words.joined(separator: ", "))]"
        return APIError(
            code: 422, reason: "Invalid", message: "\(type.qualifiedKind) \"\(name)\" is invalid: \(list)",
            details: details(type, name, isKind: true, causes))
    }

    static func forbidden(
        _ type: ResourceType, _ name: String?, _ words: String, _ causes: [Cause] = []
    ) -> APIError {
        let object = name.map { " \"\($0)\"" } ?? ""
        return APIError(
            code: 403, reason: "Forbidden", message: "\(type.qualifiedPlural)\(object) is forbidden: \(words)",
            details: details(type, name, causes))
    }

    /// A JSON patch whose `test` does not hold, or that has no place: a server says no more.
    static let patchRefused = APIError(
        code: 422, reason: "Invalid", message: "the server rejected our request due to an error in our request",
        details: .empty)

    static func badRequest(_ message: String) -> APIError {
        APIError(code: 400, reason: "BadRequest", message: message, details: nil)
    }

    static func expired(_ message: String) -> APIError {
        APIError(code: 410, reason: "Expired", message: message, details: nil)
    }

    static let unauthorized = APIError(code: 401, reason: "Unauthorized", message: "Unauthorized", details: nil)
}
