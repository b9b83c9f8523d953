package dev.flywheel.api.settings;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.Descriptors.FieldDescriptor;
import dev.flywheel.api.v1.LearningSettings;
import dev.flywheel.api.v1.Loss;
import dev.flywheel.api.v1.Signal;
import dev.flywheel.api.v1.SignalSettings;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class SignalLossesTest {

    @Test
    void everySignalOfTheContractHasARowUnderItsOwnName() {
        List<String> fields = new ArrayList<>();
        for (FieldDescriptor field : LearningSettings.getDescriptor().getFields()) {
            if (field.getJavaType() == FieldDescriptor.JavaType.MESSAGE
                    && field.getMessageType().equals(SignalSettings.getDescriptor())) {
                fields.add(field.getName());
            }
        }
        assertThat(SignalLosses.signals()).containsExactlyElementsOf(fields);
        assertThat(SignalLosses.signals()).allSatisfy(signal -> assertThat(
                Signal.getDescriptor().findFieldByName(signal)).as(signal).isNotNull());
    }

    @Test
    void whatIsSetForASignalIsReadFromItsOwnField() {
        for (String signal : SignalLosses.signals()) {
            SignalSettings mine = SignalSettings.newBuilder().setWeight(0.25).build();
            LearningSettings learning = LearningSettings.newBuilder()
                    .setField(LearningSettings.getDescriptor().findFieldByName(signal), mine)
                    .build();
            assertThat(SignalLosses.settings(learning, signal)).as(signal).isEqualTo(mine);
        }
    }

    @Test
    void everyLossFitsSomeSignalAndEverySignalCanBeLeftUnlearned() {
        Set<Loss> all = EnumSet.noneOf(Loss.class);
        for (String signal : SignalLosses.signals()) {
            List<Loss> losses = SignalLosses.of(signal);
            assertThat(losses).as(signal).contains(Loss.LOSS_NONE).doesNotHaveDuplicates();
            assertThat(SignalLosses.defaultOf(signal)).isEqualTo(losses.get(0))
                    .isNotEqualTo(Loss.LOSS_NONE);
            all.addAll(losses);
        }
        assertThat(EnumSet.complementOf(EnumSet.copyOf(all)))
                .containsExactlyInAnyOrder(Loss.LOSS_UNSPECIFIED, Loss.UNRECOGNIZED);
    }

    @Test
    void onlyOfWhatIsGivenToWhatWasShownSilenceSpeaks() {
        assertThat(SignalLosses.signals()).filteredOn(SignalLosses::silenceSpeaks)
                .containsExactly("click", "reward");
    }

    @Test
    void aSignalThatThereIsNotIsRefusedByName() {
        assertThatThrownBy(() -> SignalLosses.of("rendered"))
                .hasMessageContaining("no signal rendered")
                .hasMessageContaining("click");
    }
}
