/// The known members of one mapping.
struct SpecFields {
    let members: [String: SpecReader]
    let owner: SpecReader
    /// Known keys that an unknown key looks like. They are not reported as missing as well.
    var misspelt: Set<String> = []
    /// A key was there that a later version knows.
    var isLater = false

    subscript(key: String) -> SpecReader? { members[key] }

    func required(_ key: String) -> SpecReader? {
        if members[key] == nil, !misspelt.contains(key) { owner.fail("`\(key)` is missing") }
        return members[key]
    }

    /// The one key of several that must be there.
    func exactlyOne(of keys: [String]) -> String? {
        let found = keys.filter { members[$0] != nil }
        // A key that is misspelt, or that a later version knows, has been reported.
        if found.isEmpty, isLater || keys.contains(where: misspelt.contains) { return nil }
        if found.count != 1 {
            owner.fail("exactly one of \(keys.joined(separator: ", ")) is expected, there are \(found.count)")
        }
        return found.count == 1 ? found[0] : nil
    }
}
