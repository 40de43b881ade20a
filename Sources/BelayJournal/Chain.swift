internal import CCrypto

/// The hash chain over a rollout's events: SHA-256 over the previous hash, rollout, position, time, name and the payload's
/// bytes as stored, the parts divided by a zero byte. A journal that was changed afterwards shows.
enum Chain {
    static func hash(
        after previous: [UInt8], rollout: String, position: Int, time: Int64, name: String, payload: String
    ) -> [UInt8] {
        var bytes = previous
        for part in [rollout, "\(position)", "\(time)", name, payload] {
            bytes += part.utf8
            bytes.append(0)
        }
        var digest = [UInt8](repeating: 0, count: 32)
        var length: UInt32 = 0
        precondition(EVP_Digest(bytes, bytes.count, &digest, &length, EVP_sha256(), nil) == 1 && length == 32)
        return digest
    }

    static func text(_ hash: [UInt8]) -> String {
        hash.map { $0 < 16 ? "0" + String($0, radix: 16) : String($0, radix: 16) }.joined()
    }
}
