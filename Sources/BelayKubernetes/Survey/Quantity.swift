/// Amounts as the API writes them: `500m`, `1.5Gi`, `2`, `1e3`.
/// https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
enum Quantity {
    private static let factors: [String: Double] = [
        "": 1, "n": 1e-9, "u": 1e-6, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18,
        "Ki": 0x1p10, "Mi": 0x1p20, "Gi": 0x1p30, "Ti": 0x1p40, "Pi": 0x1p50, "Ei": 0x1p60,
    ]

    /// - Returns: In units, bytes and cores; nil where it is none.
    static func value(of text: String) -> Double? {
        if let plain = Double(text), plain.isFinite { return plain }
        let number = text.prefix { $0.isNumber || ".+-".contains($0) }
        guard let value = Double(number), let factor = factors[String(text[number.endIndex...])] else { return nil }
        return value * factor
    }

    /// For people: `1.5Gi`, `500m`, `3`.
    static func words(_ value: Double) -> String {
        for (suffix, factor) in [("Gi", 0x1p30), ("Mi", 0x1p20)] where value >= factor {
            let amount = value / factor
            return (amount == amount.rounded() ? "\(Int(amount))" : "\((amount * 10).rounded() / 10)") + suffix
        }
        if value == value.rounded() { return "\(Int(value))" }
        return "\(Int((value * 1000).rounded()))m"
    }
}
