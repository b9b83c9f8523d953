package dev.flywheel.app.config;

import java.time.Duration;

/** Limits and policies of answering. */
public record ServingConfig(
        int requestsWaitingMax,
        int requestsPerTenantMax,
        int requestsRunningMax,
        int tokensWaitingMax,
        Duration queueTimeMax,
        Duration deadlineDefault,
        Duration deadlineMax,
        Duration stallTimeout,
        int textCharsMax,
        int candidatesMax,
        int continuationsMax,
        int tokensMax,
        int tokensDefault,
        long spoolBytesMax,
        long replicaBytesMax,
        Versions versions,
        Rank rank) {
    public ServingConfig {
        Check.within("serving.spool_bytes_max", spoolBytesMax, 1 << 20, 1L << 40);
        Check.within("serving.replica_bytes_max", replicaBytesMax, 0, 1L << 44);
        Check.within("serving.requests_waiting_max", requestsWaitingMax, 1, 1_000_000);
        Check.within("serving.requests_per_tenant_max", requestsPerTenantMax, 1, 1_000_000);
        Check.within("serving.requests_running_max", requestsRunningMax, 1, 1_000_000);
        Check.within("serving.tokens_waiting_max", tokensWaitingMax, 1, 1e9);
        Check.positive("serving.queue_time_max", queueTimeMax);
        Check.positive("serving.deadline_default", deadlineDefault);
        Check.positive("serving.deadline_max", deadlineMax);
        Check.positive("serving.stall_timeout", stallTimeout);
        Check.within("serving.text_chars_max", textCharsMax, 1, 16_777_216);
        Check.within("serving.candidates_max", candidatesMax, 1, 10_000);
        Check.within("serving.continuations_max", continuationsMax, 1, 1_000);
        Check.within("serving.tokens_max", tokensMax, 1, 1_000_000);
        Check.within("serving.tokens_default", tokensDefault, 1, tokensMax);
    }

    /** How candidates are shown to the model and how a slate is drawn. */
    public record Rank(
            String contextTemplate,
            String candidateTemplate,
            String accept,
            String reject,
            double epsilon,
            double propensityMin,
            double temperature) {
        public Rank {
            placeholder("serving.rank.context_template", contextTemplate, "{context}");
            placeholder("serving.rank.candidate_template", candidateTemplate, "{text}");
            Check.notBlank("serving.rank.accept", accept);
            Check.notBlank("serving.rank.reject", reject);
            if (accept.equals(reject)) {
                throw new ConfigException(
                        "serving.rank.accept and serving.rank.reject are both \"%s\"; they must differ, or every score is 0"
                                .formatted(accept));
            }
            Check.within("serving.rank.epsilon", epsilon, 0, 1);
            Check.within("serving.rank.propensity_min", propensityMin, 0, 1);
            Check.within("serving.rank.temperature", temperature, 0, 1_000);
        }

        private static void placeholder(String key, String template, String name) {
            if (!template.contains(name)) {
                throw new ConfigException(
                        "%s is \"%s\", it must contain %s".formatted(key, template, name));
            }
        }
    }

    /** What is kept and done so that another version answers at once. */
    public record Versions(long hostBytesMax, int warmTokensMax, Duration warmTimeMax) {
        public Versions {
            Check.within("serving.versions.host_bytes_max", hostBytesMax, 0, 1L << 40);
            Check.within("serving.versions.warm_tokens_max", warmTokensMax, 0, 1_000_000);
            Check.positive("serving.versions.warm_time_max", warmTimeMax);
        }
    }
}
