package dev.flywheel.app.demo;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LiveViewTest {
    private static final int COLUMNS = 60;

    private final ByteArrayOutputStream drawn = new ByteArrayOutputStream();

    @Test
    void eachFrameGoesBackUpByTheLinesOfTheOneBefore() {
        LiveView view = view(true);
        view.show(moment(1));
        int lines = lines(frame());
        view.event("heard \"an answer\"");
        String second = frame();
        view.show(moment(3));

        assertThat(second).startsWith("\u001b[" + lines + "A");
        assertThat(lines(second)).isEqualTo(lines + 1);
        assertThat(frame()).startsWith("\u001b[" + (lines + 1) + "A");
    }

    @Test
    void noLineIsAsWideAsTheTerminalNorCarriesWhatSteersIt() {
        LiveView view = view(true);
        view.event("heard \"" + "long ".repeat(50) + "\"");
        view.event("heard \"\u001b[2J\nclear\"");
        view.show(moment(1));

        List<String> lines =
                Stream.of(frame().replaceAll("\u001b\\[(J|1A|2A)", "").split("\n"))
                        .map(line -> line.replace("\r\u001b[2K", ""))
                        .toList();
        assertThat(lines).allSatisfy(line -> assertThat(line).hasSizeLessThan(COLUMNS)
                .doesNotContainPattern("\\p{Cntrl}"));
        assertThat(lines).anyMatch(line -> line.contains("?[2J?clear"));
    }

    @Test
    void whereNobodyWatchesALineComesEveryFewSeconds() {
        LiveView view = view(false);
        for (int second = 0; second < 11; second++) {
            view.show(moment(second));
        }

        assertThat(frame().lines()).hasSize(3).noneMatch(line -> line.contains("\u001b"));
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void whatStartsIsShownBeforeThereAreFigures(boolean terminal) {
        LiveView view = view(terminal);

        view.event("starting store and broker");

        assertThat(frame()).contains("starting store and broker\n").doesNotContain("answers");
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void whatIsNotMeasuredYetIsADash(boolean terminal) {
        LiveView view = view(terminal);
        double unmeasured = Double.NaN;

        view.show(new LiveView.Moment(0, 90, 0, 0, unmeasured, unmeasured, unmeasured, unmeasured,
                unmeasured, 0, 0, false));

        assertThat(frame()).containsPattern("p50 -  ?p99 -")
                .contains("-/s")
                .containsPattern("learned +(\\.+ )?-")
                .doesNotContain("NaN");
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void theRateIsOfTheTrafficSoFar(boolean terminal) {
        LiveView view = view(terminal);

        view.show(moment(20));

        assertThat(frame()).containsPattern("50(\\.0)?/s");
    }

    @Test
    void aClosedViewDrawsNoMore() {
        LiveView view = view(true);
        view.close();

        view.show(moment(1));
        view.event("told late");

        assertThat(frame()).isEmpty();
    }

    private LiveView view(boolean terminal) {
        return new LiveView(
                new PrintStream(drawn, true, StandardCharsets.UTF_8), terminal, COLUMNS);
    }

    private String frame() {
        String text = drawn.toString(StandardCharsets.UTF_8);
        drawn.reset();
        return text;
    }

    private static int lines(String frame) {
        return (int) frame.chars().filter(c -> c == '\n').count();
    }

    private static LiveView.Moment moment(double seconds) {
        return new LiveView.Moment(
                seconds, 90, 1000, 3, 0.5, 0.2, 0.3, 0.4, 0.9, 0, 0, seconds > 45);
    }
}
