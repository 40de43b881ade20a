internal import Foundation
internal import Glibc

/// The pages of code that a process has read in.
package enum CodePages {
    /// Gives back the pages of code that were needed until now. What is needed again comes from the system's cache of files within
    /// microseconds each. A release reads files, looks at its target and then waits for hours: what the beginning alone needed is a
    /// third of its memory.
    ///
    /// Only pages that nobody can have written to are given back: mapped from a file, executable and not writable.
    /// https://man7.org/linux/man-pages/man2/madvise.2.html (`MADV_DONTNEED`)
    package static func giveBack() {
        guard let maps = try? String(contentsOfFile: "/proc/self/maps", encoding: .utf8) else { return }
        for line in maps.split(separator: "\n") {
            let fields = line.split(separator: " ", maxSplits: 5, omittingEmptySubsequences: true)
            guard fields.count == 6, fields[1] == "r-xp", fields[5].drop(while: { $0 == " " }).hasPrefix("/") else {
                continue
            }
            let ends = fields[0].split(separator: "-").compactMap { UInt($0, radix: 16) }
            guard ends.count == 2, ends[0] < ends[1] else { continue }
            madvise(UnsafeMutableRawPointer(bitPattern: ends[0]), Int(ends[1] - ends[0]), MADV_DONTNEED)
        }
    }
}
