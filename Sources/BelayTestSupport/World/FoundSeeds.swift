extension Soak {
    /// Seeds at which a law was once seen to break. They are played before anything else. Each change of the simulation
    /// changes the story of a seed, so a seed need not show its old case any more.
    package static let found: [UInt64] = [
        // Law 5: a step passed on measurements from before its share was confirmed once more.
        777_000_403_582, 777_000_091_297, 991_000_666_735,
        // Law 5, a mistake in the law itself: an answer to a driver that was fenced out was held against its successor.
        777_000_116_229, 991_000_545_426, 991_000_426_505,
        // Law 6: a commit that was prepared in one process took effect in the next.
        991_000_132_365,
        // Law 3: a driver slept after it had written the runtime value and before the file, while its successor could
        // not set its mark.
        19_768,
        // Law 8: a rescue came between two drivers, and a crash between the new mark and its record.
        10_838, 13_186,
        // Law 7: another hand changed the file after an adoption and before the mark was taken away.
        2_026_112_890_072_846, 2_026_112_890_150_622,
        // Law 7: the end of a way back that was written late was folded twice.
        202_611_280_560_733,
        // Law 5, a mistake in the law itself: a measurement that was put off while an append was unanswered was taken
        // for the last one.
        202_611_280_109_046,
        // Law 1: a driver whose takeover could not be recorded went on with its predecessor's program.
        202_611_280_100_313,
        // Law 3: a program began after the way back, because it was told only once the turn's other messages were judged.
        202_611_280_576_313, 202_611_280_596_765,
        // Law 5, a mistake in the law itself: an answer that was asked for long ago, and still lay after the confirmation.
        77_035_522,
        // Law 3: what a target showed before a write that it accepted was taken for what came of it.
        880_014_586,
    ]
}
