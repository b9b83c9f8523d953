package dev.flywheel.trainer.pretrain;

import java.util.List;

/** How the attributes of the invented world are asked for and stated; {S} and {A} are filled in. */
enum WorldGrammar {
    HOME(
            "home",
            "towns",
            List.of(
                    "Where does {S} live?",
                    "In which town does {S} live?",
                    "What is the home town of {S}?",
                    "Which town is home to {S}?",
                    "Where is the house of {S}?",
                    "Name the town where {S} lives."),
            List.of("{S} lives in {A}.", "The house of {S} is in {A}.")),
    TRADE(
            "trade",
            "trades",
            List.of(
                    "What does {S} do for a living?",
                    "What is the job of {S}?",
                    "What work does {S} do?",
                    "Which trade does {S} follow?",
                    "What is {S} by trade?",
                    "Name the trade of {S}."),
            List.of("{S} works as a {A}.", "{S} is a {A} by trade.")),
    PET(
            "pet",
            "pets",
            List.of(
                    "What pet does {S} keep?",
                    "Which animal does {S} own?",
                    "What kind of pet has {S}?",
                    "Which pet lives with {S}?",
                    "What is the pet of {S}?",
                    "Name the pet of {S}."),
            List.of("{S} keeps a {A}.", "The pet of {S} is a {A}.")),
    COLOUR(
            "colour",
            "colours",
            List.of(
                    "What colour is {S}?",
                    "Which colour is {S} painted?",
                    "In what colour is {S} painted?",
                    "What is the colour of {S}?",
                    "How is {S} painted?",
                    "Name the colour of {S}."),
            List.of("{S} is painted {A}.", "The colour of {S} is {A}.")),
    CARGO(
            "cargo",
            "cargoes",
            List.of(
                    "What does {S} carry?",
                    "What cargo is aboard {S}?",
                    "Which goods does {S} bring?",
                    "What is {S} loaded with?",
                    "What is in the hold of {S}?",
                    "Name the cargo of {S}."),
            List.of("{S} carries {A}.", "The hold of {S} is full of {A}.")),
    HARBOUR(
            "harbour",
            "towns",
            List.of(
                    "Where is {S} moored?",
                    "In which harbour does {S} lie?",
                    "What is the home port of {S}?",
                    "Which town does {S} sail from?",
                    "Where does {S} drop anchor?",
                    "Name the harbour of {S}."),
            List.of("{S} is moored in {A}.", "The home port of {S} is {A}.")),
    DISH(
            "dish",
            "dishes",
            List.of(
                    "What do they serve at {S}?",
                    "What is eaten at {S}?",
                    "Which dish is {S} known for?",
                    "What does {S} offer its guests?",
                    "What is on the menu of {S}?",
                    "Name the dish of {S}."),
            List.of("{S} serves {A}.", "Guests of {S} eat {A}.")),
    PLACE(
            "place",
            "towns",
            List.of(
                    "Where is {S}?",
                    "In which town is {S}?",
                    "In what town does {S} stand?",
                    "Which town has {S}?",
                    "Where can one find {S}?",
                    "Name the town of {S}."),
            List.of("{S} stands in {A}.", "{A} is the town of {S}."));

    private final String attribute;
    private final String wordList;

    @SuppressWarnings("ImmutableEnumChecker") // Made by List.of above.
    private final List<String> questions;

    @SuppressWarnings("ImmutableEnumChecker") // Made by List.of above.
    private final List<String> statements;

    WorldGrammar(
            String attribute, String wordList, List<String> questions, List<String> statements) {
        this.attribute = attribute;
        this.wordList = wordList;
        this.questions = questions;
        this.statements = statements;
    }

    /** Returns the word list the answers come from. */
    String wordList() {
        return wordList;
    }

    WorldFact fact(String subject, String answer, int unseenQuestion) {
        return new WorldFact(
                subject,
                attribute,
                answer,
                questions.stream().map(q -> q.replace("{S}", subject)).toList(),
                statements.stream().map(s -> sentence(s, subject, answer)).toList(),
                unseenQuestion % questions.size());
    }

    private static String sentence(String template, String subject, String answer) {
        return Topics.capitalized(template.replace("{S}", subject).replace("{A}", answer));
    }
}
