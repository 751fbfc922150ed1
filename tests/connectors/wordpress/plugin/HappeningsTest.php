<?php

use LoyaltyHub\Happenings;
use LoyaltyHub\Offers;
use LoyaltyHub\Options;
use LoyaltyHub\Queue;
use PHPUnit\Framework\TestCase;

/**
 * Reviews, what is looked at by consent, and the block of offers.
 */
final class HappeningsTest extends TestCase {

	protected function setUp(): void {
		Shop::open();
		( new Happenings() )->listen();
		( new Queue() )->listen();
		Shop::$products = array( 10 => new WC_Product( 10, 'TEA' ), 11 => new WC_Product( 11 ) );
		$GLOBALS['wpdb'] = new Options_Table();
	}

	public function test_a_review_is_told_of_as_it_is_moderated(): void {
		$comment = $this->comment( 7 );
		do_action( 'comment_post', 5, 0, array() );
		do_action( 'transition_comment_status', 'approved', 'unapproved', $comment );
		do_action( 'transition_comment_status', 'spam', 'approved', $comment );
		do_action( 'transition_comment_status', 'trash', 'spam', $comment );
		do_action( 'transition_comment_status', 'trash', 'trash', $comment );

		$told = $this->told();
		$this->assertSame( array( 'pending', 'approved', 'rejected', 'withdrawn' ), array_column( $told, 'state' ) );
		$revisions = array_column( $told, 'revision' );
		$this->assertSame( array( true, true, true ), array_map( fn( $one, $next ) => $one < $next, array_slice( $revisions, 0, 3 ), array_slice( $revisions, 1 ) ) );
		$this->assertSame(
			array( 'review', 'review-5', 'TEA', '2026-11-29T10:00:00+00:00', array( 'rating' => 5 ), array( 'system' => 'installation:1295', 'id' => '7' ) ),
			array( $told[0]['kind'], $told[0]['external_id'], $told[0]['product'], $told[0]['occurred_at'], $told[0]['data'], $told[0]['member']['external'] )
		);
	}

	public function test_a_number_rises_whatever_happens_to_the_one_before(): void {
		$began   = (int) ( microtime( true ) * 1000000 );
		$numbers = array( Queue::number(), Queue::number() );
		unset( $GLOBALS['wpdb']->rows['loyalty_hub_number'] ); // As deleting the plugin does.
		$numbers[] = Queue::number();
		// A clock that was set back, and a version that counted from one.
		$ahead = end( $numbers ) + 3600000000;
		$GLOBALS['wpdb']->rows['loyalty_hub_number'] = (string) $ahead;
		$this->assertSame( array( $ahead + 1, $ahead + 2 ), array( Queue::number(), Queue::number() ) );
		$GLOBALS['wpdb']->rows['loyalty_hub_number'] = '42';
		$numbers[] = Queue::number();

		$before = $began - 1;
		foreach ( $numbers as $number ) {
			$this->assertGreaterThan( $before, $number );
			$before = $number;
		}
		$this->assertLessThan( 2 ** 53, $before, 'the hub reads it as JSON' );
	}

	/**
	 * @dataProvider others
	 */
	public function test_what_is_no_review_of_an_account_is_not_told( int $user, string $type, int $post ): void {
		$this->comment( $user, $type, $post );
		do_action( 'comment_post', 5, 1, array() );
		$this->assertSame( array(), Shop::$queue );
	}

	public static function others(): array {
		return array( 'of a guest' => array( 0, 'review', 10 ), 'a comment' => array( 7, 'comment', 10 ), 'of a page' => array( 7, 'review', 99 ) );
	}

	public function test_an_event_goes_out_and_one_that_is_known_needs_nothing_more(): void {
		$this->comment( 7 );
		do_action( 'comment_post', 5, 1, array() );
		$message = Shop::$queue[0][1];
		foreach ( array( 201, 409 ) as $status ) {
			Shop::answer( $status, array() );
			do_action( Queue::HOOK, ...$message );
		}
		list( $method, $url, $body ) = Shop::asked()[0];
		$this->assertSame( array( 'POST', 'https://hub.example/api/v1/events', 'approved' ), array( $method, $url, $body['state'] ) );
		Shop::answer( 503, array() );
		do_action( Queue::HOOK, ...$message );
		$this->assertSame( array( 'event', 1 ), array( Shop::$queue[1][1][0], Shop::$queue[1][1][3] ) );
	}

	public function test_what_is_looked_at_is_told_by_consent_alone_and_once_an_hour(): void {
		Shop::$shown = 10;
		foreach ( array( array( 'no', 'yes', 7 ), array( 'yes', '', 7 ), array( 'yes', 'no', 7 ), array( 'yes', 'yes', 0 ) ) as list( $wanted, $agreed, $user ) ) {
			$this->settle( $wanted, $agreed, $user );
			do_action( 'template_redirect' );
			do_action( 'woocommerce_add_to_cart', 'k', 10, 2, 0, array(), array() );
			$this->assertSame( array(), Shop::$queue );
		}
		$this->settle( 'yes', 'yes', 7 );
		do_action( 'template_redirect' );
		do_action( 'template_redirect' );
		Shop::$shown = 11;
		do_action( 'template_redirect' );
		do_action( 'woocommerce_add_to_cart', 'k', 10, 2, 0, array(), array() );
		do_action( 'woocommerce_add_to_cart', 'k', 10, 1, 0, array(), array( 'loyalty_hub_gift' => 'p/TEA' ) );
		$told = $this->told();
		$this->assertSame( array( 'view', 'view', 'cart' ), array_column( $told, 'kind' ) );
		$this->assertSame( array( array( 'sku' => 'TEA' ), array( 'sku' => 'wc-11' ), array( 'sku' => 'TEA', 'quantity' => '2' ) ), array_column( $told, 'data' ) );
		$this->assertCount( 3, array_unique( array_column( $told, 'external_id' ) ) );
	}

	public function test_the_block_of_offers_shows_what_is_offered_to_whoever_looks(): void {
		$offers = new Offers();
		$offers->register();
		$this->assertSame( array( Offers::BLOCK, Offers::CODE ), array_keys( Shop::$blocks ) );
		Shop::answer( 200, array( 'member' => array( 'id' => 'm_5', 'verified' => true ) ) );
		Shop::$categories = array( 'tea' => 'Чай' );
		Shop::$products   = array( 11 => new WC_Product( 11, 'CUP-1', 'Чашка' ), 12 => new WC_Product( 12, '', 'Ложка' ) );
		$own              = array( 'skus' => array( 'CUP-1', 'wc-12', 'GONE' ), 'categories' => array( 'tea', 'gone' ), 'brands' => array( 'Alba' ) );
		Shop::answer( 200, array( 'items' => array( array( 'name' => 'Tea <b>', 'ends_at' => '2026-12-31T00:00:00+00:00' ) + $own, array( 'name' => 'Own', 'ends_at' => null ) ) ) );
		$html = $offers->html();
		$this->assertStringContainsString( 'Tea &lt;b&gt;</td><td data-title="For which goods">Alba, Чай, Чашка, Ложка</td><td data-title="Until">2026-12-30<', $html );
		$this->assertStringContainsString( 'Own</td><td data-title="For which goods">—</td><td data-title="Until">—<', $html );
		$this->assertSame( $html, $offers->html() );
		$this->assertCount( 2, Shop::$sent, 'kept for some minutes' );

		Shop::$user = 0;
		$this->assertSame( '', $offers->html() );
	}

	public function test_an_account_that_nobody_vouches_for_sees_no_offers(): void {
		Shop::answer( 200, array( 'member' => array( 'id' => 'm_5', 'verified' => false ) ) );
		$this->assertSame( '', ( new Offers() )->html() );
		$this->assertCount( 1, Shop::$sent );
	}

	private function settle( string $wanted, string $agreed, int $user ): void {
		Shop::$options[ Options::NAME ]['storefront_events'] = $wanted;
		Shop::$user_meta[7][ Happenings::CONSENT ]           = $agreed;
		Shop::$user = $user;
	}

	private function comment( int $user, string $type = 'review', int $post = 10 ): object {
		Shop::$comments[5] = (object) array( 'comment_ID' => '5', 'comment_type' => $type, 'user_id' => (string) $user, 'comment_post_ID' => (string) $post, 'comment_date_gmt' => '2026-11-29 10:00:00' );
		return Shop::$comments[5];
	}

	private function told(): array {
		return array_map( fn( array $one ) => json_decode( $one[1][2], true ), Shop::$queue );
	}
}
