from iovalence.evaluation.result import ConfusionMatrix
from iovalence.reporting.matrix import show_matrix


def test_a_small_matrix_is_a_table_with_counts_and_shares():
    names = ("no", "yes")
    shown = show_matrix(
        ConfusionMatrix(true_labels=names, predicted_labels=names, counts=((8, 2), (0, 0)))
    )
    (name, cells), (_, empty) = shown.lines
    assert (name, cells[1].count, cells[1].share) == ("no", 2, 0.2)
    assert empty[0].share == 0
    assert shown.chart is None


def test_the_most_frequent_mistakes_are_named():
    names = ("a", "b", "c")
    counts = ((5, 1, 4), (0, 9, 2), (0, 0, 9))
    shown = show_matrix(ConfusionMatrix(true_labels=names, predicted_labels=names, counts=counts))
    assert shown.confusions == (
        ("a", "c", 4, "40.0 %"),
        ("b", "c", 2, "18.2 %"),
        ("a", "b", 1, "10.0 %"),
    )


def test_a_large_matrix_is_a_picture_whose_cells_say_what_they_are(many_classes):
    matrix = many_classes.result.main_part.confusion_matrix
    shown = show_matrix(matrix)
    assert shown.lines == ()
    assert "The 151 smallest classes are one" in shown.chart.caption
    assert f"{matrix.true_labels[0]} predicted as" in shown.chart.svg
