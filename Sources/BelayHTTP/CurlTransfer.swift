internal import BelayCore
internal import CCurl
internal import Synchronization

/// Belongs to its caller until `.start` is queued and to the loop's thread from then on; hence `@unchecked`.
final class CurlTransfer: @unchecked Sendable {
    private let request: HTTPRequest
    private let cancelled = Atomic(false)
    var completion: ((Result<HTTPResponse, any Error>) -> Void)?
    private(set) var easy: UnsafeMutableRawPointer?
    private var headers: UnsafeMutablePointer<curl_slist>?
    private var body: [UInt8] = []
    private var isTooLarge = false

    init(_ request: HTTPRequest) { self.request = request }

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
        return easy
    }

    private func setRequest(_ easy: UnsafeMutableRawPointer) throws(HTTPError) {
        try check(ccurl_set_string(easy, CURLOPT_URL, request.url))
        try check(ccurl_set_string(easy, CURLOPT_PROTOCOLS_STR, "http,https"))
        try check(ccurl_set_string(easy, CURLOPT_CUSTOMREQUEST, request.method))
        try check(ccurl_set_long(easy, CURLOPT_NOSIGNAL, 1))
        try check(ccurl_set_long(easy, CURLOPT_TIMEOUT_MS, max(1, Int(request.timeout.wholeMilliseconds))))
        try check(ccurl_set_long(easy, CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_2TLS)))
        // Whatever the environment says: a proxy elsewhere cannot reach what is on this machine.
        if isLocal { try check(ccurl_set_string(easy, CURLOPT_PROXY, "")) }
        if let path = request.unixSocket { try check(ccurl_set_string(easy, CURLOPT_UNIX_SOCKET_PATH, path)) }
        if let body = request.body {
            try check(ccurl_set_offset(easy, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(body.count)))
            try check(body.withUnsafeBytes { ccurl_set_pointer(easy, CURLOPT_COPYPOSTFIELDS, $0.baseAddress) })
        }
        for header in request.headers { headers = curl_slist_append(headers, header) }
        try check(ccurl_set_pointer(easy, CURLOPT_HTTPHEADER, headers))
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
        guard request.isInsecure else { return }
        try check(ccurl_set_long(easy, CURLOPT_SSL_VERIFYPEER, 0))
        try check(ccurl_set_long(easy, CURLOPT_SSL_VERIFYHOST, 0))
    }

    private func receive(_ bytes: UnsafeRawBufferPointer) -> Int {
        guard body.count + bytes.count <= request.maximumBytes else {
            isTooLarge = true
            return 0  // Ends in CURLE_WRITE_ERROR.
        }
        body.append(contentsOf: bytes)
        return bytes.count
    }

    private func check(_ code: CURLcode) throws(HTTPError) {
        if code != CURLE_OK { throw HTTPError(kind: .request, message: text(code)) }
    }

    private func text(_ code: CURLcode) -> String { String(cString: curl_easy_strerror(code)) }

    func outcome(_ code: CURLcode) -> Result<HTTPResponse, any Error> {
        guard code == CURLE_OK else { return .failure(failure(code)) }
        var status = 0
        ccurl_get_long(easy, CURLINFO_RESPONSE_CODE, &status)
        var header: UnsafeMutablePointer<curl_header>?
        let found = curl_easy_header(easy, "Retry-After", 0, UInt32(CURLH_HEADER), -1, &header)
        let retryAfter = found == CURLHE_OK ? header.map { String(cString: $0.pointee.value) } : nil
        return .success(HTTPResponse(status: status, body: body, retryAfter: retryAfter))
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
        (easy, headers) = (nil, nil)
        completion?(result)
        completion = nil
    }
}
