package dev.flywheel.app.bench.join;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.flywheel.feedback.token.TokenKeys;
import dev.flywheel.feedback.token.TokenSigner;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/** The process that {@link JoinProcess} starts: runs the job again and again and writes its figures into a file. */
final class JoinBench {
    private static final int SECRET_BYTES = 32;

    private final JoinSettings settings;
    private final Path folder;

    private JoinBench(JoinSettings settings, Path folder) {
        this.settings = settings;
        this.folder = folder;
    }

    /** Takes a folder that holds the settings and gets the figures. */
    public static void main(String[] args) throws Exception {
        Path folder = Path.of(args[0]);
        ObjectMapper json = new ObjectMapper();
        JoinSettings settings =
                json.readValue(folder.resolve(JoinProcess.SETTINGS).toFile(), JoinSettings.class);
        json.writeValue(folder.resolve(JoinProcess.FIGURES).toFile(),
                new JoinBench(settings, folder).measure());
        // What Flink leaves running need not be waited for.
        System.exit(0);
    }

    private JoinReport.Figures measure() throws Exception {
        byte[] secret = new byte[SECRET_BYTES];
        new SplittableRandom(settings.seed()).nextBytes(secret);
        String keyText = TokenKeys.format("bench", secret);
        Path keys = Files.writeString(folder.resolve("keys"), keyText);
        JoinStream stream =
                JoinScript.stream(settings, new TokenSigner(TokenKeys.parse(keyText)));
        JoinTally first = run(0, stream, keys);
        JoinReport.Check check = JoinCount.check(stream, first);
        List<Long> runs = new ArrayList<>();
        List<String> problems = new ArrayList<>(check.problems());
        for (int i = 1; i <= settings.runs(); i++) {
            JoinTally tally = run(i, stream, keys);
            runs.add(Math.round(stream.events() * 1e9 / tally.nanos()));
            problems.addAll(JoinCount.problems(stream, tally));
        }
        return new JoinReport.Figures(settings.state(), stream.events(), median(runs),
                settings.state().target(), runs,
                new JoinReport.Check(check.joined(), check.refused(), check.repeated(),
                        check.silent(), check.reordered(), check.first(), problems));
    }

    private JoinTally run(int number, JoinStream stream, Path keys) throws Exception {
        JoinTally tally = new JoinTally(number == 0);
        JoinJob.run(number, settings, stream, keys, folder.resolve("run-" + number), tally);
        return tally;
    }

    private static long median(List<Long> values) {
        List<Long> sorted = values.stream().sorted().toList();
        return sorted.get(sorted.size() / 2);
    }
}
