package dev.flywheel.adapters.peft;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.flywheel.adapters.AdapterException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Which modules a configuration means. What is expected here was seen in peft 0.21. */
class PeftTargetsTest {
    private static final SortedSet<String> MODULES = new TreeSet<>();

    static {
        for (int layer = 0; layer < 3; layer++) {
            for (String module : List.of("q_proj", "k_proj", "v_proj")) {
                MODULES.add("model.layers." + layer + ".self_attn." + module);
            }
        }
    }

    private static PeftConfig config(String fields) {
        return PeftConfig.parse(("{'peft_type': 'LORA', " + fields + "}")
                .replace('\'', '"')
                .getBytes(StandardCharsets.UTF_8));
    }

    @ParameterizedTest(name = "{0} means {1}")
    @CsvSource(delimiter = ';', quoteCharacter = '`', value = {
        "'target_modules': ['q_proj'] ; 0q 1q 2q",
        "'target_modules': ['v_proj', 'self_attn.v_proj', 'v_proj'] ; 0v 1v 2v",
        "'target_modules': ['k_proj'], 'layers_to_transform': 1 ; 1k",
        "'target_modules': ['k_proj'], 'layers_to_transform': [2, 0, 99, -1] ; 0k 2k",
        "'target_modules': ['k_proj'], 'layers_to_transform': [] ; 0k 1k 2k",
        // A module named in full needs no layer.
        "'target_modules': ['model.layers.0.self_attn.q_proj', 'v_proj'], "
                + "'layers_to_transform': [1] ; 0q 1v",
        "'target_modules': ['layers.0.self_attn.q_proj', 'v_proj'], "
                + "'layers_to_transform': [1] ; 1v",
        "'target_modules': ['q_proj'], 'layers_to_transform': [1], 'layers_pattern': 'layers' "
                + "; 1q",
        "'target_modules': ['q_proj'], 'layers_to_transform': [1], "
                + "'layers_pattern': ['h', '(layers|blocks)'] ; 1q",
        "'target_modules': ['q_proj'], 'layers_to_transform': [1], "
                + "'layers_pattern': 'model.layers' ; 1q",
        "'target_modules': ['q_proj', 'v_proj'], 'exclude_modules': ['v_proj'] ; 0q 1q 2q",
        "'target_modules': ['v_proj'], "
                + "'exclude_modules': ['model.layers.1.self_attn.v_proj', 'nothing'] ; 0v 2v",
        "'target_modules': '.*[qk]_proj', 'exclude_modules': '.*[.]1[.].*' ; 0k 0q 2k 2q",
        "'target_modules': 'All-Linear', 'exclude_modules': ['q_proj', 'k_proj'] ; 0v 1v 2v"})
    void choosesModulesAsPeftDoes(String fields, String expected) {
        assertThat(PeftTargets.targeted(config(fields), MODULES)
                .stream()
                .map(module -> module.replaceAll(
                        "model\\.layers\\.(.)\\.self_attn\\.(.)_proj", "$1$2"))
                .collect(Collectors.joining(" ")))
                .isEqualTo(expected);
        assertThat(PeftTargets.resolve(config(fields), MODULES).targetModules())
                .as("what is written names no other module")
                .allSatisfy(target -> assertThat(PeftTargets.targeted(config(fields), MODULES))
                        .anyMatch(module -> module.equals(target)
                                || module.endsWith("." + target)));
    }

    @ParameterizedTest(name = "{0}: {1}")
    @CsvSource(delimiter = ';', quoteCharacter = '`', value = {
        "'target_modules': '.*q_proj', 'layers_to_transform': [0] ; layers_to_transform is [0]",
        "'target_modules': '.*q_proj', 'layers_pattern': 'h' ; layers_pattern is \"h\", supported",
        "'target_modules': ['q_proj'], 'layers_pattern': 'h' ; null without layers_to_transform",
        "'target_modules': '.*(q_proj|lm_head)' ; target_modules names lm_head",
        "'target_modules': '.*(q_proj|embed_tokens)' ; target_modules names embed_tokens",
        "'target_modules': ['q_proj'], 'exclude_modules': ['q_proj'] ; choose none",
        "'target_modules': ['q_proj'], 'exclude_modules': '(' ; exclude_modules is no valid"})
    void refusesByFieldAndValue(String fields, String message) {
        assertThatThrownBy(() -> PeftTargets.targeted(config(fields), MODULES))
                .isInstanceOf(AdapterException.class)
                .hasMessageContaining(message);
    }
}
