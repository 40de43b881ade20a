internal import NIOCore

/// The end of the wire: while the connection is mute nothing is read and nothing leaves, and nobody is told.
final class MuteHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer

    private var isMute = false

    func mute() { isMute = true }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if !isMute { context.fireChannelRead(data) }
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if isMute { promise?.succeed(()) } else { context.write(data, promise: promise) }
    }
}
