package dev.flywheel.app.setting;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import dev.flywheel.api.settings.SettingLines;
import dev.flywheel.api.v1.AdapterRecord;
import dev.flywheel.api.v1.Loss;
import dev.flywheel.app.config.ConfigLoader;
import dev.flywheel.trainer.adapter.AdapterSettings;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** {@code adapter-settings.yaml} is the documentation of what can be set of an adapter: complete, explained, and true. */
class SettingReferenceTest {

    static List<AdapterSettings> presets() {
        return List.of(AdapterSettings.ranker(), AdapterSettings.teacher());
    }

    private static AdapterRecord adapter(AdapterSettings settings) {
        return AdapterRecord.newBuilder()
                .setLora(settings.lora())
                .setRound(settings.round())
                .setRelease(settings.release())
                .build();
    }

    private static final SettingReference REFERENCE =
            SettingReference.of(adapter(AdapterSettings.ranker()));

    @Test
    void everySettingOfTheContractStandsInItAndNoOther() {
        assertThat(REFERENCE.paths()).containsExactlyInAnyOrderElementsOf(SettingTree.paths());
    }

    @Test
    void everySettingIsExplained() {
        assertThat(REFERENCE.unexplained()).isEmpty();
    }

    @ParameterizedTest
    @MethodSource("presets")
    void asAFileOfSettingsItMakesTheAdapterThatItDescribes(AdapterSettings settings)
            throws IOException {
        AdapterRecord described = adapter(settings);
        SettingTree tree = new SettingTree(AdapterRecord.getDefaultInstance(), SettingTree.ALL);
        SettingFile.lay("", new YAMLMapper().readTree(SettingReference.of(described).text()),
                tree);
        AdapterRecord made = tree.adapter();
        assertThat(made.getLora()).isEqualTo(described.getLora());
        assertThat(made.getRound()).isEqualTo(described.getRound());
        assertThat(SettingLines.changes(described, made)).isEmpty();
    }

    @Test
    void whatAnAdapterHasOfItsOwnStandsInItToo() throws IOException {
        AdapterRecord.Builder described = adapter(AdapterSettings.ranker()).toBuilder();
        described.getLearningBuilder()
                .setNegativeSamplingRate(0.5)
                .getClickBuilder()
                .setLoss(Loss.LOSS_BINARY)
                .setObservationMillis(0);
        described.getExplorationBuilder().setEpsilon(0.1);
        SettingTree tree = new SettingTree(AdapterRecord.getDefaultInstance(), SettingTree.ALL);
        SettingFile.lay("", new YAMLMapper().readTree(
                SettingReference.of(described.build()).text()), tree);
        assertThat(SettingLines.changes(described.build(), tree.adapter())).isEmpty();
    }

    @Test
    void whatIsInForceWhereOneIsUnsetIsASettingThatThereIs() throws IOException {
        JsonNode all = new YAMLMapper().readTree(ConfigLoader.referenceText());
        for (String path : REFERENCE.paths()) {
            String instead = SettingReference.inForceUnset(path);
            if (instead.matches("(signals|loop|serving)\\..*")) {
                assertThat(all.at("/" + instead.replace('.', '/')).isMissingNode())
                        .as("%s, which %s goes by, is no setting", instead, path)
                        .isFalse();
            } else if (REFERENCE.value(path) == null && !path.contains("[")) {
                assertThat(instead).as(path).isNotEmpty();
            }
        }
    }
}
