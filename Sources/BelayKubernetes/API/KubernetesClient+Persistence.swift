extension KubernetesClient {
    /// Sends something a few times that may be sent twice: where somebody else was there first, where the connection broke or where the
    /// server had too much to do. It takes a second at most beside the calls themselves.
    /// - Throws: ``KubernetesError`` of the last try.
    static func persistently<Value>(_ body: () async throws -> Value) async throws -> Value {
        var attempt = 0
        while true {
            do {
                return try await body()
            } catch let error as KubernetesError
                where [.conflict, .unreachable, .server, .busy].contains(error.kind) && attempt < 4
            {
                try await Task.sleep(for: .milliseconds(50 << attempt))
                attempt += 1
            }
        }
    }
}
