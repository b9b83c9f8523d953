package dev.flywheel.engine.oracle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import dev.flywheel.adapters.safetensors.SafetensorsFile;
import dev.flywheel.engine.backend.Backend;
import dev.flywheel.engine.device.Backends;
import dev.flywheel.engine.forward.Chunk;
import dev.flywheel.engine.forward.ForwardPass;
import dev.flywheel.engine.forward.Logits;
import dev.flywheel.engine.forward.Wanted;
import dev.flywheel.engine.kv.KvCache;
import dev.flywheel.engine.kv.KvSequence;
import dev.flywheel.engine.lora.AdapterSlots;
import dev.flywheel.engine.model.BaseModel;
import dev.flywheel.engine.model.ModelException;
import java.util.List;
import org.assertj.core.data.Offset;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Malformed and unsupported model folders are refused by name; odd but sound ones load. */
class ModelRobustnessTest {

    @ParameterizedTest(name = "{0} is refused naming \"{1}\"")
    @CsvSource(delimiter = '|', value = {
        "index-absolute-path | plain file name",
        "index-missing-shard | model-00002-of-00002.safetensors",
        "index-not-json | model.safetensors.index.json is no valid JSON",
        "index-path-traversal | plain file name",
        "index-wrong-shard | which model.safetensors.index.json",
        "model-activation-unknown | hidden_act is \"snake2\"",
        "model-config-lacks-heads | num_attention_heads is missing",
        "model-config-not-json | config.json is no valid JSON",
        "model-encoder-type | architectures is",
        "model-heads-not-divisible | num_key_value_heads 3",
        "model-heads-zero | num_attention_heads",
        "model-hidden-mismatch | has shape",
        "model-integer-weight | has dtype",
        "model-layers-negative | num_hidden_layers is -",
        "model-missing-tensor | model.layers.0.self_attn.q_proj.weight",
        "model-no-weights | neither model.safetensors nor",
        "model-pickle-only | pytorch_model.bin",
        "model-quantized | quantization_config is",
        "model-rope-unknown | rope_scaling.rope_type is \"spiral\"",
        "model-too-many-layers | lack model.layers.1",
        "model-truncated | model.safetensors",
        "model-unknown-type | architectures is",
        "model-wrong-shape | has shape"})
    void isRefusedByName(String name, String naming) {
        Oracle oracle = Oracle.of("robustness/" + name);
        try (Backend backend = Backends.open("reference", 1)) {
            assertThatThrownBy(() -> BaseModel.load(oracle.folder("model"), backend))
                    .isInstanceOf(ModelException.class)
                    .hasMessageContaining(naming);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"model-ok-model-plain", "model-ok-model-sharded",
        "model-ok-model-unknown-config-fields"})
    void loadsAndScoresAsGiven(String name) {
        Oracle oracle = Oracle.of("robustness/" + name);
        JsonNode golden = oracle.json("golden.json").path("prompts").get(0);
        SafetensorsFile tensors = oracle.tensors("golden.safetensors");
        try (Backend backend = Backends.open("reference", 1);
                BaseModel model = BaseModel.load(oracle.folder("model"), backend);
                AdapterSlots slots = new AdapterSlots(model, 1, 1);
                KvCache cache = new KvCache(model, 8, 16);
                ForwardPass pass = new ForwardPass(model, slots, cache, 32);
                KvSequence sequence = cache.open()) {
            int[] ids = Oracle.ints(golden.path("ids"));
            Logits logits = pass.run(
                    List.of(new Chunk(sequence, ids, AdapterSlots.BASE, Wanted.ALL)));
            float[] expected = tensors.floats(golden.path("logits").asText());
            for (int row = 0; row < ids.length; row++) {
                for (int t = 0; t < logits.vocabSize(); t++) {
                    assertThat(logits.logit(row, t)).isCloseTo(
                            expected[row * logits.vocabSize() + t],
                            Offset.offset(1e-4f));
                }
            }
        }
    }
}
