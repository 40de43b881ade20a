internal import Glibc

/// The proxies of the environment, as libcurl reads them: https://curl.se/libcurl/c/libcurl-env.html
enum Proxy {
    static func host(of url: String) -> Substring {
        guard let start = url.firstRange(of: "://")?.upperBound else { return "" }
        var authority = url[start...].prefix { !"/?#".contains($0) }
        if let at = authority.lastIndex(of: "@") { authority = authority[at...].dropFirst() }
        if authority.hasPrefix("[") { return authority.dropFirst().prefix { $0 != "]" } }
        return authority.prefix { $0 != ":" }
    }

    static func isLoopback(_ host: Substring) -> Bool {
        let name = host.lowercased()
        return name == "localhost" || name.hasSuffix(".localhost") || name.hasPrefix("127.") || name == "::1"
    }

    /// The proxy that a request goes through, with the variable that names it and without its password; nil: none.
    static func used(
        for url: String, variable: (String) -> String? = { name in getenv(name).map { String(cString: $0) } }
    ) -> String? {
        let isSecure = url.lowercased().hasPrefix("https")
        // Not HTTP_PROXY, which a CGI request could set.
        let names = isSecure ? ["https_proxy", "HTTPS_PROXY"] : ["http_proxy"]
        let host = host(of: url).lowercased()
        let exempt = variable("no_proxy") ?? variable("NO_PROXY") ?? ""
        for entry in exempt.split(whereSeparator: { $0 == "," || $0 == " " }) {
            let suffix = entry.lowercased().drop { $0 == "." }
            if entry == "*" || host == suffix || host.hasSuffix("." + suffix) { return nil }
        }
        for name in names + ["all_proxy", "ALL_PROXY"] {
            guard let value = variable(name), !value.isEmpty else { continue }
            let shown = value.lastIndex(of: "@").map { value[$0...].dropFirst() } ?? value[...]
            return "\(shown) of \(name)"
        }
        return nil
    }
}
