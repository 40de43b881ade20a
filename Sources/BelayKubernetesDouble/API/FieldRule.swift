internal import BelayCore

/// What a custom resource's definition says of one value.
package struct FieldRule: Sendable {
    /// `spec.http[].route[].weight`
    package let path: String
    /// The largest whole number that may stand there; nil where only its type is checked.
    package let maximum: Int64?

    /// A whole number.
    package init(_ path: String, maximum: Int64? = nil) { (self.path, self.maximum) = (path, maximum) }

    /// Where an object breaks it.
    func causes(in object: JSONValue) -> [APIError.Cause] {
        var causes: [APIError.Cause] = []
        visit(path.split(separator: ".")[...], object, "") { value, place in
            switch value {
            case .int(let number):
                guard let maximum, number > maximum else { return }
                causes.append(
                    .init(
                        reason: "FieldValueInvalid",
                        message:
                            "Invalid value: \(number): \(place) in body should be less than or equal to \(maximum)",
                        field: place))
            case .string:
                causes.append(
                    .init(
                        reason: "FieldValueTypeInvalid",
                        message: "Invalid value: \"string\": \(place) in body must be of type integer: \"string\"",
                        field: place))
            case .null, .bool, .double, .number, .array, .object: return
            }
        }
        return causes
    }

    private func visit(
        _ path: ArraySlice<Substring>, _ value: JSONValue, _ place: String, _ body: (JSONValue, String) -> Void
    ) {
        guard let part = path.first else { return body(value, place) }
        let isList = part.hasSuffix("[]")
        let key = String(isList ? part.dropLast(2) : part)
        guard let child = value[key] else { return }
        let next = place.isEmpty ? key : "\(place).\(key)"
        if !isList { return visit(path.dropFirst(), child, next, body) }
        for (index, item) in (child.array ?? []).enumerated() {
            visit(path.dropFirst(), item, "\(next)[\(index)]", body)
        }
    }
}
