/// Why a file could not be read or written: its path, the call and what the system says.
struct FileFailure: Error {
    let message: String
}
