/// The words of the command line.
struct Options {
    var port = 0
    var speed = 1.0
    var folder: String?
    var hasShop = false

    /// nil where a word is not known or has no value.
    init?(_ words: ArraySlice<String>) {
        var rest = words
        while let word = rest.popFirst() {
            if word == "--shop" {
                hasShop = true
                continue
            }
            guard let value = rest.popFirst() else { return nil }
            switch word {
            case "--port":
                guard let port = Int(value), (0...65_535).contains(port) else { return nil }
                self.port = port
            case "--speed":
                guard let speed = Double(value), speed > 0, speed <= 1000 else { return nil }
                self.speed = speed
            case "--folder": folder = value
            default: return nil
            }
        }
    }
}
