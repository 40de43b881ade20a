/// A secret that could not be resolved; the message names the reference, never the value.
struct SecretFailure: Error {
    let message: String
}
