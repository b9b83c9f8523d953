package dev.flywheel.app.simulate;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What a simulation measured; what {@code --json} writes.
 *
 * @param scenario its name
 * @param summary what it shows
 * @param settings what shaped it
 * @param seeds what each seed measured
 * @param means over the seeds, with 95 % intervals, by arm and figure
 * @param target what has to hold
 * @param met whether it does
 * @param wallSeconds how long it took
 */
public record SimulationReport(
        String scenario,
        String summary,
        Map<String, Object> settings,
        List<SeedFigures> seeds,
        Map<String, Map<String, Interval>> means,
        String target,
        boolean met,
        double wallSeconds) {
    static SimulationReport of(Scenario scenario, List<SeedFigures> seeds, double wallSeconds) {
        return new SimulationReport(scenario.name(), scenario.summary(), scenario.settings(), seeds,
                means(seeds), scenario.target(), scenario.met(seeds), wallSeconds);
    }

    private static Map<String, Map<String, Interval>> means(List<SeedFigures> seeds) {
        Map<String, Map<String, List<Double>>> values = new LinkedHashMap<>();
        for (SeedFigures seed : seeds) {
            seed.arms()
                    .forEach((arm, figures) -> figures.forEach((figure, value) -> values
                            .computeIfAbsent(arm, name -> new LinkedHashMap<>())
                            .computeIfAbsent(figure, name -> new ArrayList<>())
                            .add(value)));
        }
        Map<String, Map<String, Interval>> means = new LinkedHashMap<>();
        values.forEach((arm, figures) -> figures.forEach((figure, all) -> means
                .computeIfAbsent(arm, name -> new LinkedHashMap<>())
                .put(figure, Interval.of(all))));
        return means;
    }
}
