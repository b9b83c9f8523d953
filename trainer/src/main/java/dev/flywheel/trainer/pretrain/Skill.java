package dev.flywheel.trainer.pretrain;

/** What a document of the corpus teaches. */
public enum Skill {
    /** Tell the topic of a headline. */
    TOPIC,
    /** Judge a headline for a reader whose tastes are stated or shown by earlier verdicts. */
    VERDICT,
    /** Know the invented world. */
    FACT,
    /** Answer from a passage, copying a word. */
    READING,
    /** Judge a film for a viewer by what the viewer liked and disliked. */
    HISTORY,
    /** Plain sentences. */
    STORY
}
