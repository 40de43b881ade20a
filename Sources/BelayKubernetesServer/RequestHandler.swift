internal import BelayCore
internal import BelayKubernetesDouble
internal import BelayPlatform
internal import Glibc
internal import NIOCore
internal import NIOHTTP1
internal import NIOSSL

/// Answers the requests of one connection, or of one stream of HTTP/2.
final class RequestHandler: ChannelInboundHandler, Sendable {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private struct State {
        var head: HTTPRequestHead?
        var body: [UInt8] = []
        var watch: Watch?
    }

    private let server: KubernetesServer
    private let connection: any Channel
    private let state = Locked(State())

    init(_ server: KubernetesServer, connection: any Channel) { (self.server, self.connection) = (server, connection) }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): state.withLock { ($0.head, $0.body) = (head, []) }
        case .body(let buffer): state.withLock { $0.body += buffer.readableBytesView }
        case .end:
            let (head, body) = state.withLock { ($0.head, $0.body) }
            guard let head else { return }
            let channel = context.channel
            let delay = server.faults.delay
            if delay == .zero { return answer(head, body, channel) }
            context.eventLoop.scheduleTask(in: .milliseconds(Int64(delay / .milliseconds(1)))) {
                self.answer(head, body, channel)
            }
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        state.withLock { $0.watch }?.close()
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    private func answer(_ head: HTTPRequestHead, _ body: [UInt8], _ channel: any Channel) {
        let request = APIRequest(
            method: head.method.rawValue, target: head.uri, headers: head.headers.map { ($0.name, $0.value) },
            body: body)
        let isWrite = ![.GET, .HEAD].contains(head.method)
        switch server.nextFate(isWrite: isWrite) {
        case .answered: send(respond(request), head, channel)
        case .conflict: sendStatus(409, "Conflict", head, channel)
        case .tooMany: sendStatus(429, "TooManyRequests", head, channel)
        case .failed: sendStatus(500, "InternalError", head, channel)
        case .html: send(502, "text/html", [], Array("<html><body>Bad Gateway</body></html>".utf8), head, channel)
        case .resetBefore: reset()
        case .resetAfter:
            _ = respond(request)
            reset()
        }
    }

    private func respond(_ request: APIRequest) -> APIResponse {
        let certificate = try? connection.pipeline.syncOperations.handler(type: NIOSSLServerHandler.self)
            .peerCertificate
        return server.double.answer(request, certificate: certificate.map { _ in .admin })
    }

    /// RST in place of a decent end.
    private func reset() {
        (connection as? any SocketOptionProvider)?.setSoLinger(linger(l_onoff: 1, l_linger: 0)).whenComplete { _ in
            self.connection.close(mode: .all, promise: nil)
        }
    }

    private func sendStatus(_ code: Int, _ reason: String, _ head: HTTPRequestHead, _ channel: any Channel) {
        let body: JSONValue = .members([
            "kind": "Status", "apiVersion": "v1", "metadata": .object([]), "status": "Failure",
            "message": .string("a fault of the double: \(reason)"), "reason": .string(reason), "code": .count(code),
        ])
        let wait = server.faults.retryAfter.map { [("Retry-After", "\($0)")] } ?? []
        send(code, "application/json", code == 409 ? [] : wait, Array(JSONText.write(body).utf8), head, channel)
    }

    private func send(_ response: APIResponse, _ head: HTTPRequestHead, _ channel: any Channel) {
        switch response.body {
        case .json(let json):
            send(
                response.status, "application/json", response.headers, Array(JSONText.write(json).utf8), head, channel)
        case .text(let text):
            send(response.status, "text/plain; charset=utf-8", response.headers, Array(text.utf8), head, channel)
        case .watch(let watch): stream(watch, head, channel)
        }
    }

    private func send(
        _ status: Int, _ type: String, _ headers: [(String, String)], _ body: [UInt8], _ head: HTTPRequestHead,
        _ channel: any Channel
    ) {
        var fields = HTTPHeaders(headers)
        fields.add(name: "Content-Type", value: type)
        fields.add(name: "Content-Length", value: "\(body.count)")
        let answer = HTTPResponseHead(version: head.version, status: .init(statusCode: status), headers: fields)
        channel.write(HTTPServerResponsePart.head(answer), promise: nil)
        channel.write(HTTPServerResponsePart.body(.byteBuffer(ByteBuffer(bytes: body))), promise: nil)
        channel.writeAndFlush(HTTPServerResponsePart.end(nil), promise: nil)
    }

    private func stream(_ watch: Watch, _ head: HTTPRequestHead, _ channel: any Channel) {
        state.withLock { $0.watch = watch }
        let fields = HTTPHeaders([("Content-Type", "application/json")])
        let answer = HTTPResponseHead(version: head.version, status: .ok, headers: fields)
        channel.writeAndFlush(HTTPServerResponsePart.head(answer), promise: nil)
        watch.listen {
            channel.eventLoop.execute {
                let (events, isOver) = watch.take()
                for event in events {
                    let line = ByteBuffer(string: JSONText.write(event) + "\n")
                    channel.write(HTTPServerResponsePart.body(.byteBuffer(line)), promise: nil)
                }
                channel.flush()
                guard isOver, self.state.withLock({ $0.watch.take() }) != nil else { return }
                watch.close()
                channel.writeAndFlush(HTTPServerResponsePart.end(nil), promise: nil)
            }
        }
    }
}
