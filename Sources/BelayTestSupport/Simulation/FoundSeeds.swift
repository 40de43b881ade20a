extension Soak {
    /// Seeds at which a law was once seen to break. They are played before anything else, whatever the simulation has become
    /// since: a seed's story changes with it.
    package static let found: [UInt64] = [
        // Law 5: a step passed on what lay before its share was confirmed once more.
        777_000_403_582, 777_000_091_297, 991_000_666_735,
        // Law 5, the law itself: an answer to a driver that was fenced out was held against its successor.
        777_000_116_229, 991_000_545_426, 991_000_426_505,
        // Law 6: a commit that was prepared in one process took effect in the next.
        991_000_132_365,
        // Law 3: a driver that was stopped between the runtime and the file, while its successor could not set its mark.
        19_768,
        // Law 8: a rescue between two drivers, and a crash between the mark and its record.
        10_838, 13_186,
        // Law 7: another hand in the file between an adoption and the end of its mark.
        2_026_112_890_072_846, 2_026_112_890_150_622,
        // Law 7: the end of a way back that was written late was folded twice.
        202_611_280_560_733,
        // Law 5, the law itself: a measurement that was put off while the journal owed an answer was taken for the last one.
        202_611_280_109_046,
    ]
}
