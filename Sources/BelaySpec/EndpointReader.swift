internal import BelayCore
internal import Yams

/// How a server is reached; the same keys in a rollout's `analysis.prometheus` and in a metric's provider.
enum EndpointReader {
    static let fields = [
        "address", "timeout", "timeoutSeconds", "headers", "authentication", "tls", "insecure", "maxInFlight",
        "ignoreWarnings",
    ]

    static func read(_ fields: SpecFields, into server: inout Endpoint) {
        if let reader = fields["address"], let address = reader.nonEmptyText(allowsSecrets: true) {
            checkScheme(of: address, reader)
            server.address = address
        }
        if let reader = fields["timeout"] ?? fields["timeoutSeconds"], let timeout = reader.duration() {
            if timeout < .milliseconds(10) || timeout > .seconds(300) {
                reader.fail("a time-out of 10ms to 5m is expected")
            }
            server.timeout = timeout
        }
        let own = headers(fields["headers"])
        server.headers.removeAll { header in own.contains { $0.name.lowercased() == header.name.lowercased() } }
        server.headers += own
        if fields["timeout"] != nil { fields["timeoutSeconds"]?.fail("`timeout` is there already") }
        readAuthentication(fields["authentication"], into: &server)
        if let insecure = fields["insecure"]?.bool() { server.isInsecure = insecure }
        if let limit = fields["maxInFlight"]?.integer(1...1000) { server.maxInFlight = limit }
        for reader in fields["ignoreWarnings"]?.list() ?? [] {
            if let text = reader.nonEmptyText() { server.ignoredWarnings.append(text) }
        }
        guard let tls = fields["tls"]?.fields(["authority", "certificate", "key"]) else { return }
        server.authority = tls["authority"]?.nonEmptyText()
        server.certificate = tls["certificate"]?.nonEmptyText()
        server.key = tls["key"]?.nonEmptyText()
        if (server.certificate == nil) != (server.key == nil) { tls.owner.fail("`certificate` and `key` go together") }
    }

    static func checkScheme(of address: String, _ reader: SpecReader) {
        let host =
            address.firstRange(of: "://").map { address[$0.upperBound...].prefix { $0 != "/" && $0 != "?" } } ?? ""
        if let at = host.lastIndex(of: "@"), !host[..<at].contains("{{") {
            reader.fail(
                "a name or a password in an address would stand in the journal and in logs; write "
                    + "`authentication: {basicAuth: {username: NAME, password: env:VARIABLE}}`")
        }
        guard !["http://", "https://", "{{env:", "{{file:"].contains(where: { address.hasPrefix($0) }) else { return }
        reader.fail("`\(address.shortened)` must begin with http:// or https://")
    }

    /// A list of `{key, value}`.
    static func headers(_ reader: SpecReader?) -> [Header] {
        (reader?.list() ?? []).compactMap { item in
            guard let member = item.fields(["key", "value"]), let key = member.required("key")?.nonEmptyText(),
                let value = member.required("value")?.text(allowsSecrets: true)
            else { return nil }
            if (key + value).contains(where: \.isNewline) { item.fail("a header is one line") }
            let isReference = ["env:", "file:"].contains { value.hasPrefix($0) || value.contains("{{\($0)") }
            if bearsSecret(key), !isReference {
                item.fail(
                    "a secret in clear would stand in the journal; write `authentication: {bearer: env:NAME}`, a header "
                        + "of `env:NAME`, or give it an argument with `valueFrom`")
            }
            return Header(name: key, value: value)
        }
    }

    private static func bearsSecret(_ header: String) -> Bool {
        let name = header.lowercased()
        return name.hasSuffix("authorization")
            || ["token", "secret", "api-key", "apikey", "password"].contains { name.contains($0) }
    }

    private static func readAuthentication(_ reader: SpecReader?, into server: inout Endpoint) {
        guard let fields = reader?.fields(["bearer", "basicAuth"], later: ["sigv4", "oauth2"]) else { return }
        (server.bearer, server.basicUser, server.basicPassword) = (nil, nil, nil)
        if fields["bearer"] != nil { fields["basicAuth"]?.fail("`bearer` is there already; one of them is expected") }
        if let reader = fields["bearer"], let secret = secret(reader) { server.bearer = secret }
        if let basic = fields["basicAuth"]?.fields(["username", "password"]) {
            server.basicUser = basic.required("username")?.nonEmptyText()
            server.basicPassword = basic.required("password").flatMap(secret)
        }
    }

    /// A secret stays a reference, so that neither the journal nor a message ever holds it.
    private static func secret(_ reader: SpecReader) -> String? {
        let written = reader.node.scalar?.string ?? ""
        let text = written.contains("{{") ? reader.text(allowsSecrets: true) ?? "" : written
        let reference = text.hasPrefix("{{") && text.hasSuffix("}}") ? String(text.dropFirst(2).dropLast(2)) : text
        guard reference.hasPrefix("env:") || reference.hasPrefix("file:") else {
            reader.fail("a secret is written as a reference, env:NAME or file:PATH, never in the file itself")
            return nil
        }
        return reference
    }
}
