internal import BelayCore
internal import CCurl
internal import Synchronization

/// One request and what has come of it. It belongs to its caller until `.start` is queued, and to the loop's thread
/// from then on; hence `@unchecked`.
final class CurlTransfer: @unchecked Sendable {
    private let request: HTTPRequest
    private let cancelled = Atomic(false)
    var completion: ((Result<HTTPResponse, any Error>) -> Void)?
    /// Takes head and body as they come; nil: the whole answer is wanted at once.
    private let sink: StreamSink?
    private(set) var easy: UnsafeMutableRawPointer?
    private var headers: UnsafeMutablePointer<curl_slist>?
    private var route: UnsafeMutablePointer<curl_slist>?
    private var body: [UInt8] = []
    /// How much of the request's body has been handed out.
    private var given = 0
    private var isTooLarge = false

    init(_ request: HTTPRequest, sink: StreamSink? = nil) { (self.request, self.sink) = (request, sink) }

    var isCancelled: Bool { cancelled.load(ordering: .acquiring) }
    func cancel() { cancelled.store(true, ordering: .releasing) }

    func open() throws(HTTPError) -> UnsafeMutableRawPointer {
        guard let easy = curl_easy_init() else { throw HTTPError(kind: .request, message: "out of memory") }
        self.easy = easy
        try setRequest(easy)
        try setSecurity(easy)
        try check(ccurl_set_pointer(easy, CURLOPT_WRITEDATA, Unmanaged.passUnretained(self).toOpaque()))
        try check(
            ccurl_set_data_fn(easy, CURLOPT_WRITEFUNCTION) { data, size, count, context in
                Unmanaged<CurlTransfer>.fromOpaque(context!).takeUnretainedValue()
                    .receive(UnsafeRawBufferPointer(start: data, count: size * count))
            })
        guard sink != nil else { return easy }
        try check(ccurl_set_pointer(easy, CURLOPT_HEADERDATA, Unmanaged.passUnretained(self).toOpaque()))
        try check(
            ccurl_set_data_fn(easy, CURLOPT_HEADERFUNCTION) { data, size, count, context in
                Unmanaged<CurlTransfer>.fromOpaque(context!).takeUnretainedValue()
                    .receiveHeader(UnsafeRawBufferPointer(start: data, count: size * count))
                return size * count
            })
        return easy
    }

    private func setRequest(_ easy: UnsafeMutableRawPointer) throws(HTTPError) {
        try setAddress(easy)
        try check(ccurl_set_string(easy, CURLOPT_PROTOCOLS_STR, "http,https"))
        try check(ccurl_set_string(easy, CURLOPT_CUSTOMREQUEST, request.method))
        try check(ccurl_set_long(easy, CURLOPT_NOSIGNAL, 1))
        // A stream lasts as long as its server says; its beginning has the time-out, which its reader keeps.
        let limit = sink == nil ? CURLOPT_TIMEOUT_MS : CURLOPT_CONNECTTIMEOUT_MS
        try check(ccurl_set_long(easy, limit, max(1, Int(request.timeout.wholeMilliseconds))))
        try check(ccurl_set_long(easy, CURLOPT_TCP_KEEPALIVE, 1))
        try check(ccurl_set_long(easy, CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_2TLS)))
        // Whatever the environment says: a proxy elsewhere cannot reach what is on this machine.
        if let proxy = request.proxy {
            try check(ccurl_set_string(easy, CURLOPT_PROXY, proxy))
            try check(ccurl_set_string(easy, CURLOPT_NOPROXY, ""))
        } else if isLocal {
            try check(ccurl_set_string(easy, CURLOPT_PROXY, ""))
        }
        if let path = request.unixSocket { try check(ccurl_set_string(easy, CURLOPT_UNIX_SOCKET_PATH, path)) }
        if request.sharesConnection { try check(ccurl_set_long(easy, CURLOPT_PIPEWAIT, 1)) }
        if let body = request.body {
            try check(ccurl_set_offset(easy, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(body.count)))
            if request.isSentOnce {
                try setUnrepeatableBody(easy)
            } else {
                try check(body.withUnsafeBytes { ccurl_set_pointer(easy, CURLOPT_COPYPOSTFIELDS, $0.baseAddress) })
            }
        }
        for header in request.headers { headers = curl_slist_append(headers, header) }
        try check(ccurl_set_pointer(easy, CURLOPT_HTTPHEADER, headers))
    }

    /// A body that cannot be rewound: libcurl then gives up where it would have to send it a second time.
    private func setUnrepeatableBody(_ easy: UnsafeMutableRawPointer) throws(HTTPError) {
        try check(ccurl_set_long(easy, CURLOPT_POST, 1))
        try check(ccurl_set_pointer(easy, CURLOPT_READDATA, Unmanaged.passUnretained(self).toOpaque()))
        try check(
            ccurl_set_data_fn(easy, CURLOPT_READFUNCTION) { data, size, count, context in
                Unmanaged<CurlTransfer>.fromOpaque(context!).takeUnretainedValue()
                    .give(UnsafeMutableRawBufferPointer(start: data, count: size * count))
            })
    }

    /// The next bytes of the body.
    private func give(_ room: UnsafeMutableRawBufferPointer) -> Int {
        let body = request.body ?? []
        let count = min(room.count, body.count - given)
        room.copyBytes(from: body[given..<given + count])
        given += count
        return count
    }

    /// A certificate with another name than the URL's: the URL gets that name, and the connection goes where it did.
    private func setAddress(_ easy: UnsafeMutableRawPointer) throws(HTTPError) {
        guard let name = request.serverName, let start = request.url.firstRange(of: "://")?.upperBound else {
            return try check(ccurl_set_string(easy, CURLOPT_URL, request.url))
        }
        let authority = request.url[start...].prefix { !"/?#".contains($0) }
        let port = authority.lastIndex(of: ":").map { authority[$0...].dropFirst() } ?? "443"
        let hasPort = !port.isEmpty && port.allSatisfy(\.isNumber)
        let host = hasPort && authority.hasSuffix(":\(port)") ? authority.dropLast(port.count + 1) : authority
        let number = hasPort ? String(port) : "443"
        route = curl_slist_append(nil, "\(name):\(number):\(host):\(number)")
        try check(ccurl_set_pointer(easy, CURLOPT_CONNECT_TO, route))
        headers = curl_slist_append(headers, "Host: \(authority)")
        let url = "\(request.url[..<start])\(name):\(number)\(request.url[start...].dropFirst(authority.count))"
        try check(ccurl_set_string(easy, CURLOPT_URL, url))
    }

    private func setSecurity(_ easy: UnsafeMutableRawPointer) throws(HTTPError) {
        let pems = [
            (CURLOPT_SSLCERT_BLOB, request.certificate), (CURLOPT_SSLKEY_BLOB, request.key),
            (CURLOPT_CAINFO_BLOB, request.authority),
        ]
        for (option, pem) in pems {
            guard let pem else { continue }
            try check(pem.withUnsafeBytes { ccurl_set_blob(easy, option, $0.baseAddress, $0.count) })
        }
        // Else the system's authorities would count beside the one that is named.
        if request.authority != nil { try check(ccurl_set_pointer(easy, CURLOPT_CAPATH, nil)) }
        guard request.isInsecure else { return }
        try check(ccurl_set_long(easy, CURLOPT_SSL_VERIFYPEER, 0))
        try check(ccurl_set_long(easy, CURLOPT_SSL_VERIFYHOST, 0))
    }

    private func receive(_ bytes: UnsafeRawBufferPointer) -> Int {
        if let sink { return sink.take(bytes) ? bytes.count : Int(CURL_WRITEFUNC_PAUSE) }
        guard body.count + bytes.count <= request.maximumBytes else {
            isTooLarge = true
            return 0  // Ends in CURLE_WRITE_ERROR.
        }
        body.append(contentsOf: bytes)
        return bytes.count
    }

    /// One line of the head; an empty one ends it.
    private func receiveHeader(_ line: UnsafeRawBufferPointer) {
        guard line.count <= 2, let sink else { return }
        let head = response
        if head.status >= 200 { sink.begin(head) }
    }

    /// The bytes that were not taken are offered again.
    func resume() { if let easy { curl_easy_pause(easy, CURLPAUSE_CONT) } }

    private func check(_ code: CURLcode) throws(HTTPError) {
        if code != CURLE_OK { throw HTTPError(kind: .request, message: text(code)) }
    }

    private func text(_ code: CURLcode) -> String { String(cString: curl_easy_strerror(code)) }

    func outcome(_ code: CURLcode) -> Result<HTTPResponse, any Error> {
        guard code == CURLE_OK else { return .failure(failure(code)) }
        return .success(response)
    }

    /// What is known of the answer so far.
    private var response: HTTPResponse {
        var (status, port) = (0, 0)
        ccurl_get_long(easy, CURLINFO_RESPONSE_CODE, &status)
        ccurl_get_long(easy, CURLINFO_LOCAL_PORT, &port)
        return HTTPResponse(
            status: status, body: body, retryAfter: values(of: "Retry-After").first, warnings: values(of: "Warning"),
            contentType: values(of: "Content-Type").first ?? "", localPort: port)
    }

    private func values(of name: String) -> [String] {
        var values: [String] = []
        var header: UnsafeMutablePointer<curl_header>?
        while curl_easy_header(easy, name, values.count, UInt32(CURLH_HEADER), -1, &header) == CURLHE_OK, let header {
            values.append(String(cString: header.pointee.value))
        }
        return values
    }

    private func failure(_ code: CURLcode) -> HTTPError {
        if isTooLarge {
            return HTTPError(kind: .tooLarge, message: "the answer is larger than \(request.maximumBytes) bytes")
        }
        switch code {
        case CURLE_OPERATION_TIMEDOUT:
            return HTTPError(kind: .timeout, message: "no answer within \(request.timeout.text)\(proxyWords)")
        case CURLE_URL_MALFORMAT, CURLE_UNSUPPORTED_PROTOCOL, CURLE_SSL_CERTPROBLEM, CURLE_SSL_CACERT_BADFILE:
            return HTTPError(kind: .request, message: text(code))
        case CURLE_PEER_FAILED_VERIFICATION:
            return HTTPError(kind: .untrusted, message: text(code) + proxyWords)
        default: return HTTPError(kind: .transport, message: text(code) + proxyWords)
        }
    }

    private var isLocal: Bool { request.unixSocket != nil || Proxy.isLoopback(Proxy.host(of: request.url)) }

    private var proxyWords: String {
        isLocal ? "" : Proxy.used(for: request.url).map { " (through the proxy \($0))" } ?? ""
    }

    func finish(_ result: Result<HTTPResponse, any Error>) {
        curl_easy_cleanup(easy)
        curl_slist_free_all(headers)
        curl_slist_free_all(route)
        (easy, headers, route) = (nil, nil, nil)
        sink?.end(result)
        completion?(result)
        completion = nil
    }
}
