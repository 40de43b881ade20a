internal import BelayCore
internal import BelayPlatform
internal import CCurl
internal import Glibc

/// One thread owns the multi handle and all easy handles. Others may only queue a command and wake it:
/// `curl_multi_wakeup` is the one libcurl call that is allowed from any thread.
final class CurlLoop: Sendable {
    enum Command: Sendable {
        case start(CurlTransfer)
        case cancel(CurlTransfer)
        case resume(CurlTransfer)
        case stop
    }

    /// Sets libcurl up, once and before any thread of ours: two calls of `curl_global_init` at the same time are not
    /// safe.
    private static let isReady: Bool = curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK

    /// Only the loop's thread uses the handle; `curl_multi_wakeup` alone is called from others, under the inbox's lock.
    nonisolated(unsafe) private let multi: UnsafeMutableRawPointer
    private let inbox = LockedInbox<Command>()

    init() {
        guard Self.isReady, let multi = curl_multi_init() else { fatalError("libcurl cannot start: out of memory") }
        self.multi = multi
        // There is no limit of connections here: a request that waits inside libcurl uses up its own time-out. A caller
        // that may send too much keeps a queue of its own.
        var thread = pthread_t()
        let body: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = {
            Unmanaged<CurlLoop>.fromOpaque($0!).takeRetainedValue().run()
            return nil
        }
        pthread_create(&thread, nil, body, Unmanaged.passRetained(self).toOpaque())
        pthread_detach(thread)
    }

    func send(_ command: Command) {
        let isAccepted = inbox.add(command) { curl_multi_wakeup(multi) }
        if !isAccepted, case .start(let transfer) = command { transfer.finish(.failure(CancellationError())) }
    }

    func execute(_ request: HTTPRequest) async throws -> HTTPResponse {
        let transfer = CurlTransfer(request)
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                transfer.completion = { continuation.resume(with: $0) }
                send(.start(transfer))
            }
        } onCancel: {
            transfer.cancel()  // Covers a cancellation before `.start` is queued.
            send(.cancel(transfer))
        }
    }

    /// Begins an answer that is read as it comes.
    func stream(_ request: HTTPRequest) -> HTTPStream {
        let sink = StreamSink()
        let transfer = CurlTransfer(request, sink: sink)
        sink.onRoom { [self] in send(.resume(transfer)) }
        send(.start(transfer))
        return HTTPStream(
            sink,
            cancel: { [self] in
                transfer.cancel()
                send(.cancel(transfer))
            })
    }

    private func run() {
        var live: [UnsafeMutableRawPointer: CurlTransfer] = [:]
        var (running, left) = (Int32(0), Int32(0))
        while true {
            var isStopping = false
            for command in inbox.takeAll() {
                switch command {
                case .start(let transfer) where isStopping: transfer.finish(.failure(CancellationError()))
                case .start(let transfer): start(transfer, &live)
                case .cancel(let transfer): end(transfer, .failure(CancellationError()), &live)
                case .resume(let transfer): transfer.resume()
                case .stop: isStopping = true
                }
            }
            if isStopping { return stop(&live) }
            curl_multi_perform(multi, &running)
            while let message = curl_multi_info_read(multi, &left) {
                guard message.pointee.msg == CURLMSG_DONE, let transfer = live[message.pointee.easy_handle] else {
                    continue
                }
                end(transfer, transfer.outcome(ccurl_result(message)), &live)
            }
            curl_multi_poll(multi, nil, 0, 60_000, nil)
        }
    }

    private func start(_ transfer: CurlTransfer, _ live: inout [UnsafeMutableRawPointer: CurlTransfer]) {
        guard !transfer.isCancelled else { return transfer.finish(.failure(CancellationError())) }
        do throws(HTTPError) {
            let easy = try transfer.open()
            live[easy] = transfer
            curl_multi_add_handle(multi, easy)
        } catch { transfer.finish(.failure(error)) }
    }

    private func end(
        _ transfer: CurlTransfer, _ result: Result<HTTPResponse, any Error>,
        _ live: inout [UnsafeMutableRawPointer: CurlTransfer]
    ) {
        guard let easy = transfer.easy else { return }  // Ended already.
        curl_multi_remove_handle(multi, easy)
        live[easy] = nil
        transfer.finish(result)
    }

    private func stop(_ live: inout [UnsafeMutableRawPointer: CurlTransfer]) {
        for transfer in Array(live.values) { end(transfer, .failure(CancellationError()), &live) }
        for case .start(let late) in inbox.close() { late.finish(.failure(CancellationError())) }
        curl_multi_cleanup(multi)
    }
}
