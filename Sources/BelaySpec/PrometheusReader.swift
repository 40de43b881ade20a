internal import BelayCore
internal import Yams

/// How a Prometheus server is reached; the same keys in a rollout's `analysis.prometheus` and in a metric's provider.
enum PrometheusReader {
    static let connectionFields = ["address", "timeout", "headers", "authentication", "tls"]
    static let later = ["rangeQuery", "insecure"]

    static func read(_ fields: SpecFields, into query: inout PrometheusQuery) {
        if let reader = fields["address"], let address = reader.nonEmptyText() {
            if !address.hasPrefix("http://"), !address.hasPrefix("https://") {
                reader.fail("`\(SpecReader.shortened(address))` must begin with http:// or https://")
            }
            query.address = address
        }
        if let reader = fields["timeout"], let timeout = reader.duration() {
            if timeout < .milliseconds(10) || timeout > .seconds(300) {
                reader.fail("a time-out of 10ms to 5m is expected")
            }
            query.timeout = timeout
        }
        for item in fields["headers"]?.list() ?? [] {
            guard let member = item.fields(["key", "value"]), let key = member.required("key")?.nonEmptyText(),
                let value = member.required("value")?.text()
            else { continue }
            if (key + value).contains(where: \.isNewline) { item.fail("a header is one line") }
            query.headers.append(.init(name: key, value: value))
        }
        readAuthentication(fields["authentication"], into: &query)
        guard let tls = fields["tls"]?.fields(["authority", "certificate", "key"]) else { return }
        query.authority = tls["authority"]?.nonEmptyText()
        query.certificate = tls["certificate"]?.nonEmptyText()
        query.key = tls["key"]?.nonEmptyText()
        if (query.certificate == nil) != (query.key == nil) { tls.owner.fail("`certificate` and `key` go together") }
    }

    private static func readAuthentication(_ reader: SpecReader?, into query: inout PrometheusQuery) {
        guard let fields = reader?.fields(["bearer", "basicAuth"], later: ["sigv4", "oauth2"]) else { return }
        if let reader = fields["bearer"], let secret = secret(reader) { query.bearer = secret }
        if let basic = fields["basicAuth"]?.fields(["username", "password"]) {
            query.basicUser = basic.required("username")?.nonEmptyText()
            query.basicPassword = basic.required("password").flatMap(secret)
        }
    }

    /// A secret stays a reference, so that neither the journal nor a message ever holds it.
    private static func secret(_ reader: SpecReader) -> String? {
        let text = reader.node.scalar?.string ?? ""
        guard text.hasPrefix("env:") || text.hasPrefix("file:") else {
            reader.fail("a secret is written as a reference, env:NAME or file:PATH, never in the file itself")
            return nil
        }
        return text
    }
}
