package import BelayCore

/// `checkout-01jd2x9k4q`: the name and the milliseconds since 1970 as ten characters of Crockford base32, so that ids of
/// one name sort by time.
package enum RolloutID {
    private static let alphabet = Array("0123456789abcdefghjkmnpqrstvwxyz")

    /// The name and ten characters of Crockford base32, time first.
    package static func make(name: String, at now: Timestamp) -> String {
        var rest = UInt64(max(0, now.milliseconds))
        var characters: [Character] = []
        for _ in 0..<10 {
            characters.append(alphabet[Int(rest % 32)])
            rest /= 32
        }
        return "\(name)-\(String(characters.reversed()))"
    }
}
