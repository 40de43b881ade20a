internal import BelayCore
package import BelayKubernetesDouble
internal import BelayPlatform
internal import NIOCore
internal import NIOHTTP1
internal import NIOHTTP2
internal import NIOPosix
internal import NIOSSL

/// The API double behind a real socket of this machine: HTTP/1.1 and HTTP/2, with TLS.
package final class KubernetesServer: Sendable {
    private struct State {
        var faults = Faults()
        var listener: (any Channel)?
        var connections: [ObjectIdentifier: any Channel] = [:]
        var accepted = 0
        var ticker: Task<Void, Never>?
    }

    /// What answers.
    package let double: KubernetesDouble
    /// The authority to trust, and a client's certificate that may do everything.
    package let certificates: Certificates
    private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    private let tls: NIOSSLContext
    private let isHTTP2: Bool
    private let state = Locked(State())

    /// - Parameter isHTTP2: false: only HTTP/1.1 is offered.
    /// - Throws: Where the certificates cannot be read.
    package init(_ double: KubernetesDouble, _ certificates: Certificates, isHTTP2: Bool = true) throws {
        (self.double, self.certificates, self.isHTTP2) = (double, certificates, isHTTP2)
        let folder = certificates.folder
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: try NIOSSLCertificate.fromPEMFile("\(folder)/server.crt").map { .certificate($0) },
            privateKey: .privateKey(try NIOSSLPrivateKey(file: "\(folder)/server.key", format: .pem)))
        configuration.trustRoots = .file("\(folder)/ca.crt")
        configuration.certificateVerification = .optionalVerification
        configuration.applicationProtocols = isHTTP2 ? ["h2", "http/1.1"] : ["http/1.1"]
        tls = try NIOSSLContext(configuration: configuration)
    }

    /// Listens on loopback.
    /// - Parameter port: 0: any that is free.
    /// - Returns: The port.
    package func start(port: Int = 0) async throws -> Int {
        let bootstrap = ServerBootstrap(group: group)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.socketOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try self.accept(channel) }.flatMap {
                    channel.configureCommonHTTPServerPipeline(
                        connectionConfiguration: Self.connection, streamConfiguration: Self.streams
                    ) { stream in
                        stream.pipeline.addHandler(RequestHandler(self, connection: channel))
                    }
                }
            }
        let listener = try await bootstrap.bind(host: "127.0.0.1", port: port).get()
        state.withLock { $0.listener = listener }
        return listener.localAddress?.port ?? 0
    }

    /// Many small calls over one connection are no attack here.
    private static let connection: NIOHTTP2Handler.ConnectionConfiguration = {
        var configuration = NIOHTTP2Handler.ConnectionConfiguration()
        configuration.controlFrameRateLimit.maximumCount = 1_000_000
        return configuration
    }()

    private static let streams: NIOHTTP2Handler.StreamConfiguration = {
        var configuration = NIOHTTP2Handler.StreamConfiguration()
        configuration.streamResetFrameRateLimit.maximumCount = 1_000_000
        configuration.streamErrorRateLimit.maximumCount = 1_000_000
        return configuration
    }()

    private func accept(_ channel: any Channel) throws {
        let id = ObjectIdentifier(channel)
        state.withLock { state in
            state.connections[id] = channel
            state.accepted += 1
        }
        channel.closeFuture.whenComplete { _ in self.state.withLock { $0.connections[id] = nil } }
        try channel.pipeline.syncOperations.addHandler(MuteHandler())
        try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls))
    }

    /// Makes the namespaces that every cluster has.
    package func makeNamespaces() {
        for name in ["default", "kube-system"] {
            let body = Array(#"{"metadata":{"name":"\#(name)"}}"#.utf8)
            _ = double.answer(APIRequest(method: "POST", target: "/api/v1/namespaces", body: body), certificate: .admin)
        }
    }

    /// Lets the cluster's time pass with the machine's, so many times faster.
    package func run(speed: Double = 1) {
        let double = double
        let ticker = Task {
            var last = ContinuousClock.now
            while !Task.isCancelled {
                try? await Task.sleep(for: .milliseconds(20))
                let now = ContinuousClock.now
                double.advance(by: .milliseconds(Int64((now - last) / .milliseconds(1) * speed)))
                last = now
            }
        }
        state.withLock { $0.ticker = ticker }
    }

    /// Ends the server and everything that it has under way.
    package func stop() async {
        state.withLock { $0.ticker?.cancel() }
        await goAway()
        try? await group.shutdownGracefully()
    }

    /// Refuses connections and ends those that there are, until ``start(port:)`` is called with the same port.
    package func goAway() async {
        let (listener, connections) = state.withLock { state in
            defer { state.listener = nil }
            return (state.listener, Array(state.connections.values))
        }
        try? await listener?.close().get()
        for connection in connections { try? await connection.close().get() }
    }

    /// From now on nothing goes over the connections that there are, and they stay open; new ones work.
    package func mute() async {
        for channel in state.withLock({ Array($0.connections.values) }) {
            try? await channel.eventLoop.submit {
                try channel.pipeline.syncOperations.handler(type: MuteHandler.self).mute()
            }.get()
        }
    }

    // MARK: Faults

    /// What goes wrong from now on.
    package func setFaults(_ change: (inout Faults) -> Void) { state.withLock { change(&$0.faults) } }

    /// What is still to go wrong.
    package var faults: Faults { state.withLock { $0.faults } }

    /// How many connections there have been.
    package var accepted: Int { state.withLock { $0.accepted } }

    func nextFate(isWrite: Bool) -> Faults.Fate { state.withLock { $0.faults.next(isWrite: isWrite) } }
}
