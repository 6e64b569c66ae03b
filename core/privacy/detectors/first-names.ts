/**
 * Given names common in many countries, in ASCII or UTF-8; compiled for this project from general
 * knowledge, by no one list. Names that are also words of a language are kept apart.
 */
const firm = `
Aaron Abby Abdul Abdullah Abel Abigail Abraham Ada Adalbert Adam Adela Adele Adelheid Aditi Aditya Adnan Adolfo Adrian Adriana Adrien Agata Agatha Agnes Agnieszka
Ahmad Ahmed Aidan Aiden Aileen Aisha Aiko Akash Akira Alain Alan Alana Albert Alberto Aldo Alejandra Alejandro Aleksandar Aleksander Aleksandra Aleksei Alena Alessandra Alessandro
Alessia Alex Alexa Alexander Alexandra Alexandre Alexandria Alexandru Alexei Alexey Alexis Alfonso Alfred Alfredo Ali Alice Alicia Alina Alisa Alison Allan Allen Allison Alma Alois Alvaro
Alyssa Amalia Amanda Amara Amber Amelia Amelie Amina Amir Amit Amy Ana Anastasia Andrea Andreas Andrei Andrej Andres Andrew Andrey Andrzej Andy Aneta Angela Angelica Angelina Angelika
Angelo Angie Aniket Anil Anita Anja Anjali Ankit Ann Anna Annabelle Anne Anneliese Annette Annika Ansgar Anthony Antoine Antoinette Anton Antonia Antonio Antonella Anuj Anya Ariana Ariel Arjun
Arlene Armando Armin Arnaud Arne Arnold Aron Arthur Arturo Arun Arvid Asha Ashley Ashok Astrid Asuka Athena Audrey August Augusto Aurelie Aurora Axel Ayaka Ayesha Aylin Ayumi
Barbara Barry Bart Bartosz Beatrice Beatriz Becky Belinda Ben Benedikt Benjamin Benoit Bernadette Bernard Bernardo Bernd Bernhard Bert Bertha Bertrand Bettina Betty Beverly Bharat Bianca Birgit Bjorn Björn Blake Bob
Bobby Bogdan Bonnie Boris Brad Bradley Brandon Brenda Brendan Brent Brett Brian Bridget Brigitte Britta Brittany Bruce Bruno Bryan Bryce
Caitlin Caleb Calvin Cameron Camila Camille Candice Carina Carl Carla Carlo Carlos Carmen Carol Carole Carolina Caroline Carolyn Carrie Carsten Casey Caspar Catalina Catarina Catherine Cathy Cecile Cecilia Cedric Celia Celine Cesar Chandra Charlene
Charles Charlie Charlotte Chelsea Cheryl Chiara Chloe Chloé Chris Christa Christian Christiane Christina Christine Christoph Christophe Christopher Cindy Claire Clara Clarence Claudia Claudio Claus Clemens Clement Clifford Clint Colette Colin Colleen Connor Conrad
Constance Constantin Cora Cordelia Corey Corinna Corinne Cornelia Cory Courtney Craig Cristian Cristiano Cristina Curtis Cynthia Cyril
Dagmar Daichi Daisuke Damian Damien Dan Dana Daniel Daniela Daniele Danielle Danilo Danny Daphne Daria Dariusz Darlene Darrell Darren Daryl Dave David Davide Dawid Debbie Deborah Debra Deepak Deepika Deirdre Delia
Delphine Denise Dennis Derek Derrick Desmond Detlef Devin Diana Diane Didier Diego Dieter Dietmar Dilip Dimitri Dimitris Dinesh Dirk Divya Dmitri Dmitriy Dmitry Dolores Dominic Dominik Dominika Dominique Don Donald Donna
Dora Doreen Doris Dorota Dorothea Dorothy Doug Douglas Dragan Duncan Dustin Dwayne Dwight Dylan
Eberhard Eddie Edgar Edith Edmund Eduard Eduardo Edward Edwin Eileen Ekaterina Elaine Eleanor Elena Eleni Eli Eliana Elias Elif Elijah Elisa Elisabeth Elise Elizabeth Ella Ellen Elliot Elliott Eloise Elsa Elsie Elvira Emanuel Emanuele Emil Emilia Emilie
Emilio Emily Emine Emma Emmanuel Emre Enrico Enrique Eric Erica Erich Erik Erika Erin Ernest Ernesto Ernst Erwin Esteban Esther Ethan Etienne Eugen Eugene Eugenia Eva Evan Evelyn Ewa
Fabian Fabienne Fabio Fabrice Fatima Fatma Federica Federico Felicia Felipe Felix Ferdinand Fernanda Fernando Filip Filippo Fiona Florence Florian Florin Francesca Francesco Francine Francis Francisca Francisco Franck Francois François Françoise Frank Franz Franziska
Fred Freddie Frederic Frederick Frederik Frieda Friedrich Fritz Fumiko
Gabriel Gabriela Gabriele Gabriella Gabrielle Gareth Garrett Gary Gaurav Gavin Geert Geoff Geoffrey Georg George Georges Georgia Georgina Gerald Geraldine Gerard Gerardo Gerd Gerhard Gerrit Gertrud Giacomo Gianluca Gilbert Gilles
Gina Giorgio Giovanna Giovanni Gisela Giselle Giulia Giuliano Giuseppe Gladys Glen Glenn Gloria Goran Gordon Govind Graham Greg Gregor Gregory Greta Gretchen Grzegorz Gudrun Guido Guillaume Guillermo Gunnar Gunther Günter Günther Gustav Gustavo Guy Gwen
Hadi Haley Hamza Hana Hanna Hannah Hannelore Hans Harald Hari Harold Harriet Harry Haruka Haruki Haruto Harvey Hasan Hassan Heather Hector Heidi Heike Heiko Heiner Heinrich Heinz Helen Helena Helene Helga Helmut Hendrik Henri Henrietta Henrik Henrike Henry Herbert Herman Hermann Hideo
Hilda Hildegard Hiro Hiroshi Holger Holly Horst Howard Hubert Hugo Hussein
Ian Ibrahim Ida Ignacio Igor Ilka Ilona Ilse Imran Ina Ines Inga Inge Ingeborg Ingo Ingrid Irene Irina Iris Irma Isaac Isabel Isabella Isabelle Isaiah Ismail Ivan Ivana Ivo Ivy
Jackie Jacob Jacqueline Jacques Jaime Jake Jakob Jakub James Jamie Jan Jana Jane Janet Janice Janina Janine Jannik Jared Jarek Jason Jasmin Jasmine Jasper Javier Jayden Jean Jeanette Jeanne Jeff Jeffery Jeffrey Jelena Jenna Jennifer Jenny Jens Jeremiah Jeremy Jerome
Jesse Jessica Jesus Jesús Jill Jillian Jim Jimmy Jing Joachim Joan Joana Joanna Joanne Joao João Joaquin Jochen Jocelyn Jodi Joe Joel Joelle Joerg Johan Johann Johanna Johannes John Johnny Jolanta Jon Jonas Jonathan Jorge Jörg Jose José Josef Josefina Joseph Josephine Josh Joshua Josiah Joyce
Juan Juana Judith Julia Julian Juliana Julie Julien Juliet Juliette Julio Julius Jun Jürgen Juergen Justin Justine Justyna Jutta
Kai Kamil Kamila Karen Karim Karin Karina Karl Karla Karolina Karsten Kasper Katarina Katarzyna Kate Katelyn Katharina Katherine Kathleen Kathrin Kathryn Kathy Katie Katja Katrin Katrina Kavita Kayla Keiko Keith Kelly Kelsey Ken Kendra Kenji Kenneth Kenta Kerstin Kevin Khalid Kim Kimberly Kirill Kirsten Kiyoshi Klaus Konrad Konstantin
Krishna Kristen Kristian Kristin Kristina Kristine Krystyna Krzysztof Kumar Kurt Kyle Kylie
Lakshmi Lara Larissa Larry Lars Laszlo László Laura Lauren Laurence Laurent Laurie Lawrence Lea Leah Leandro Lee Leena Leila Lena Lennart Leo Leon Leona Leonard Leonardo Leonie Leroy Lesley Leslie Leticia Levi Lewis Li Liam Lidia Lieselotte Liliana Lillian Lin Lina Linda Lindsay Lindsey Ling Linus Lionel Lisa
Lorena Lorenzo Loretta Lori Lorraine Lothar Lotte Lou Louis Louisa Louise Luc Luca Lucas Lucia Luciano Lucie Lucille Lucy Ludovic Ludwig Luigi Luis Luisa Luiz Luka Lukas Łukasz Lukasz Luke Luna Lutz Lydia Lynn
Maciej Madeleine Madeline Madison Magdalena Mahmoud Malcolm Malgorzata Małgorzata Malik Mandy Manfred Manish Manoj Manuel Manuela Marc Marcel Marcela Marcella Marcello Marcelo Marcin Marco Marcos Marcus Marek Margaret Margarita Margaux Margit Margot Maria María Mariam Marian Mariana Marianne Marie Marija Mariko Marilyn Marina Mario Marion Marisa Marissa Marit Marius Marjorie Marko Markus Marlene Marlon Marta Martha Martin Martina Martine Marvin Mary Maryam Masako Mason Massimo Mateo Mateusz Mathias Mathieu Mathilde Matilda Matteo Matthew Matthias Matthieu Maureen Maurice Mauricio Maurizio Maximilian Maxime Maya Meera Megan Mehdi Mehmet Mei Melanie Melinda Melissa Melvin Mercedes Meredith Merle Meryem Mia Micaela Michael Michaela Michal Michał Michel Michele Michelle Michiko Miguel Mihai Mika Mikael Mike Mikhail Miki Mila Milan Milena Mina Ming Mira Miranda Miriam Miroslav Misaki Mitchell Mitsuko Mohamed Mohammad Mohammed Mohan Mohit Molly Mona Monica Monika Monique Morgan Moritz Muhammad Murat Muriel Mustafa
Nadia Nadine Nadja Naomi Naoki Natalia Natalie Nataliya Natasha Nathalie Nathan Nathaniel Neha Neil Nelson Nguyen Nia Niamh Nicholas Nick Nicola Nicolas Nicole Niels Nigel Nikhil Nikita Niklas Niko Nikola Nikolai Nikolaus Nikolas Nils Nina Nisha Nitin Noah Noel Noelia Noemi Nora Norbert Noriko Norma Norman Nuria
Odette Olaf Ole Oleg Oleksandr Olena Olga Oliver Olivia Olivier Omar Oscar Oskar Osman Ottavio Otto Owen
Pablo Paige Pamela Paola Paolo Parisa Pascal Pascale Patrice Patricia Patrick Patrizia Paul Paula Paulina Pauline Paulo Pavel Pawel Paweł Pedro Peggy Penelope Per Petar Peter Petra Philip Philipp Philippa Philippe Phillip Phyllis Pia Pierre Pietro Pilar Piotr Pooja Prakash Pranav Prasad Priya Priyanka
Quentin Quinn Rachel Radek Rafael Rafal Rafał Rahul Rainer Raj Rajesh Ralf Ralph Ramesh Ramon Ramona Randall Randy Raphael Raquel Rashid Raul Ravi Raymond Rebecca Rebekka Regina Reiner Reinhard Rekha Renata Renate Renato Rene René Renee Ricardo Riccardo Richard Rick Ricky Riley Rina Rita Robert Roberta Roberto Robyn Rocio Rodney Rodolfo Rodrigo Roger Rohan Rohit Roland Rolf Roman Romain Romina Ron Ronald Ronny Rosa Rosalie Rosario Rosemarie Rosie Roswitha Roxanne Roy Ruben Rudi Rudolf Rudolph Rupert Russell Ruth Ryan Ryo Ryota
Sabine Sabrina Sachin Sakura Sally Salma Salvador Salvatore Sam Samantha Samir Samira Samuel Sandeep Sandra Sandrine Sandro Sandy Sanjay Sanjeev Santiago Sara Sarah Sascha Satoshi Saul Scott Sean Sebastian Sebastiano Sébastien Selena Selina Serena Sergei Sergey Sergio Seth Severin Shane Shannon Sharon Shaun Shawn Sheila Shelby Sherry Shinji Shirley Shiv Shreya Siegfried Sigrid Silas Silke Silvia Simon Simona Simone Siobhan Sofia Sofie Solomon Sonia Sonja Sophia Sophie Soren Søren Spencer Stacey Stacy Stanislav Stanley Stefan Stefania Stefanie Stefano Steffen Stella Stephan Stephanie Stephen Steve Steven Stuart Sunil Suresh Susan Susana Susanna Susanne Suzanne Suzuki Sven Svenja Svetlana Swati Sybille Sylvain Sylvia Sylvie
Tadeusz Takashi Takeshi Tamara Tammy Tanja Tania Tanya Tara Tatiana Tatjana Taylor Ted Teresa Terrance Terrence Terry Tess Theodor Theodore Theresa Therese Thiago Thibault Thierry Thilo Thomas Thorsten Tiago Tiffany Tim Timo Timothy Tina Tobias Todd Tom Tomas Tomasz Tommaso Tommy Tomoko Toni Tony Torsten Tracey Tracy Travis Trevor Tristan Troy Tyler
Udo Ulla Ulrich Ulrike Umberto Ursula Ute Uwe
Valentin Valentina Valeria Valerie Vanessa Vasily Vera Verena Veronica Veronika Veronique Vicki Vicky Victor Victoria Vijay Vikram Viktor Viktoria Vinay Vincent Vincenzo Viola Violeta Virginie Vishal Vitaly Vito Vivek Vivian Vivien Vladimir Volker
Waldemar Walter Wanda Wayne Wei Wendy Werner Wesley Wilfried Wilhelm Willem William Willie Winfried Winston Wojciech Wolfgang
Xavier Xiaoming Xin Yael Yan Yana Yann Yannick Yara Yasmin Yasmine Ying Yoko Yolanda Yosef Yoshiko Yoshi Youssef Yuki Yuko Yuri Yusuf Yves Yvette Yvonne Zachary Zainab Zara Zdenek Zeynep Zoe Zoé Zoltan Zsofia Zuzanna`;

/** Names only where something else says so: a title, a field, a header. */
const alsoWords = `
April Art Ash Aspen Austin Autumn Bill Brook Brooke Brooks Carter Chance Chase Christian Clay Cliff Colt Cooper Crystal Dallas Dale Dawn Dean Destiny Dick Drew Duke
Earl Eve Faith Fay Ford Forest Frank Gene Grace Grant Gray Guy Hans Harmony Hazel Heath Hope Hunter Iris Ivy Jack Jade Jasper Jay Jordan Josh Joy Jude June Justice King Lance Lane Lily Logan London Mark Mason Max May
Melody Miles Olive Page Paris Parker Pat Pearl Penny Pierce Porter Ray Reed Rex Rich Rob Robin Rocky Rose Ruby Rusty Sage Sandy Savannah Sean Sierra Skip Skylar Spencer Star Sterling Sue Summer Sunny Sydney Taylor Terry Tony Trinity Troy Victor Violet Virginia Wade Ward Will Wren`;

const namesIn = (list: string): string[] =>
  list
    .split(/\s+/)
    .filter((name) => name !== '')
    .map((name) => Buffer.from(name).toString('latin1'));

const words: ReadonlySet<string> = new Set(namesIn(alsoWords));

/** Names that are hardly ever anything else, one character a byte. */
export const firstNames: readonly string[] = [...new Set(namesIn(firm))].filter((name) => !words.has(name));

const all: ReadonlySet<string> = new Set([...firstNames, ...words]);

/** Whether a word, capitalised, is a given name at all. */
export function isFirstName(word: string): boolean {
  return all.has(word);
}
