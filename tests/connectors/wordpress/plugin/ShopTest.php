<?php

use Automattic\WooCommerce\StoreApi\Exceptions\RouteException;
use LoyaltyHub\Cart;
use LoyaltyHub\Choices;
use LoyaltyHub\Classic;
use LoyaltyHub\Coupons;
use LoyaltyHub\Core\Money;
use LoyaltyHub\Offer;
use LoyaltyHub\Options;
use LoyaltyHub\Orders;
use LoyaltyHub\Queue;
use PHPUnit\Framework\TestCase;

/**
 * The plugin among the stand-ins of WordPress and WooCommerce.
 */
final class ShopTest extends TestCase {

	protected function setUp(): void {
		Shop::open();
		Cart::one()->listen();
		( new Coupons() )->listen();
		( new Orders() )->listen();
		( new Queue() )->listen();
		WC()->cart->items = array( 'a' => $this->item( 10, 'TEA', 398.0, 2 ) );
	}

	public function test_the_answer_becomes_coupons_and_the_cart_is_calculated_once_more(): void {
		$this->hub_takes( 39800, 3980, 10000 );
		WC()->cart->calculate_totals();

		$this->assertSame( array( 'loyalty-tier', 'loyalty-points' ), WC()->cart->applied );
		$this->assertSame( 258.2, round( WC()->cart->items['a']['line_total'], 2 ) );
		$this->assertSame( 2, WC()->cart->counted );

		WC()->cart->calculate_totals();
		$this->assertCount( 1, Shop::$sent, 'the same cart is asked about once' );
		$this->assertSame( 258.2, round( WC()->cart->items['a']['line_total'], 2 ) );
	}

	public function test_what_is_asked(): void {
		Shop::answer( 200, $this->quoted( array( 'a' => array( 39800, 0, 0 ), 'shipping-0' => array( 30000, 0, 0 ), 'fee-wrap' => array( 12000, 0, 0 ) ) ) );
		WC()->cart->rates = array( 0 => (object) array( 'cost' => '250.00', 'taxes' => array( 1 => '50.00' ), 'label' => 'Courier' ) );
		WC()->cart->fees  = array(
			'wrap' => (object) array( 'total' => 100.0, 'tax' => 20.0, 'name' => 'Wrap' ),
			'less' => (object) array( 'total' => -10.0, 'tax' => 0.0, 'name' => 'Less' ),
		);
		WC()->cart->calculate_totals();

		list( $method, $url, $body ) = Shop::asked()[0];
		$this->assertSame( array( 'POST', 'https://hub.example/api/v1/quotes' ), array( $method, $url ) );
		$this->assertSame( array( 'external' => array( 'system' => 'installation:1295', 'id' => '7' ), 'verified' => true ), $body['member'] );
		$this->assertSame(
			array(
				array( 'id' => 'a', 'kind' => 'goods', 'quantity' => '2', 'amount' => '398.00', 'sku' => 'TEA', 'name' => 'Чай' ),
				array( 'id' => 'shipping-0', 'kind' => 'delivery', 'quantity' => '1', 'amount' => '300.00', 'name' => 'Courier' ),
				array( 'id' => 'fee-wrap', 'kind' => 'fee', 'quantity' => '1', 'amount' => '120.00', 'name' => 'Wrap' ),
			),
			$body['lines']
		);
		$this->assertSame( 2.0, Shop::$sent[0][3]['timeout'] );
	}

	public function test_a_shop_without_tax_in_its_prices(): void {
		Shop::$gross      = false;
		Shop::$rates      = array( '' => 20, 'books' => 10 );
		WC()->cart->items = array(
			'a' => $this->item( 10, 'TEA', 100.0, 1 ),
			'b' => $this->item( 11, 'BOOK', 50.0, 1, 'books' ),
		);
		Shop::answer( 200, $this->quoted( array( 'a' => array( 12000, 1200, 800 ), 'b' => array( 5500, 0, 500 ) ) ) );
		WC()->cart->calculate_totals();

		$this->assertSame( array( '120.00', '55.00' ), array_column( Shop::asked()[0][2]['lines'], 'amount' ) );
		$this->assertSame( array( 83.33, 45.45 ), array_map( fn( $item ) => round( $item['line_total'], 2 ), array_values( WC()->cart->items ) ) );
		$this->assertSame( array( 'discount' => 1200, 'spend' => 800 ), Cart::one()->told()['a'] );
	}

	/**
	 * Recorded (WooCommerce 10.5.2, 2026-11-29): 0.457 kg of 899.90 are 411.2543, with 41.13 of tax 452.38.
	 * By hand: 0.4455 has 0.04 of tax, where 0.45 would have 0.05; the line is 0.4855, so 0.49.
	 *
	 * @testWith [411.2543, "452.38"]
	 *           [0.4455, "0.49"]
	 */
	public function test_what_is_sold_by_weight_costs_parts_of_a_kopeck( float $net, string $amount ): void {
		Shop::$gross      = false;
		Shop::$rates      = array( '' => 10 );
		WC()->cart->items = array( 'a' => $this->item( 10, 'CHEESE', $net, 1 ) );
		Shop::answer( 500, array() );
		WC()->cart->calculate_totals();
		$this->assertSame( array( $amount ), array_column( Shop::asked()[0][2]['lines'], 'amount' ) );
	}

	public function test_a_shop_that_does_not_count_kopecks_is_left_alone(): void {
		Shop::$options['woocommerce_price_num_decimals'] = 0;
		WC()->cart->calculate_totals();
		$this->assertSame( array(), Shop::$sent );
	}

	public function test_a_buyer_who_is_not_logged_in_is_a_stranger(): void {
		Shop::$user = 0;
		$this->hub_takes( 39800, 3980, 0 );
		WC()->cart->calculate_totals();
		$this->assertNull( Shop::asked()[0][2]['member'] );
		$this->assertSame( array( 'loyalty-tier' ), WC()->cart->applied );
	}

	public function test_a_guest_at_the_classic_checkout_is_known_by_the_phone_before_the_order_is_placed(): void {
		( new Classic() )->listen();
		Shop::$user = 0;
		$this->hub_takes( 39800, 0, 0 );
		do_action( 'woocommerce_checkout_update_order_review', 'billing_first_name=A&billing_phone=%2B7+900+000-00-07' );
		WC()->cart->calculate_totals();
		$this->assertSame( array( 'phone' => '+7 900 000-00-07', 'verified' => false ), Shop::asked()[0][2]['member'] );

		foreach ( array( '', 'billing_first_name=A', 'billing_phone[]=1' ) as $form ) {
			do_action( 'woocommerce_checkout_update_order_review', $form );
		}
		$this->assertSame( '+7 900 000-00-07', Shop::$phone );
	}

	/**
	 * @dataProvider buyers
	 */
	public function test_who_is_asked_about( int $user, string $phone, ?array $known, ?array $member ): void {
		Shop::$user  = $user;
		Shop::$phone = $phone;
		if ( null !== $known ) {
			Shop::answer( 200, $known );
		}
		$this->hub_takes( 39800, 0, 0 );
		WC()->cart->calculate_totals();
		$asked = Shop::asked();
		$this->assertSame( $member, end( $asked )[2]['member'] );
	}

	public static function buyers(): array {
		$account = array( 'external' => array( 'system' => 'installation:1295', 'id' => '7' ), 'verified' => true );
		$phone   = array( 'phone' => '8 900 000-00-01', 'verified' => false );
		return array(
			'an account without a phone'             => array( 7, '', null, $account ),
			'an account that the hub knows'          => array( 7, '8 900 000-00-01', array( 'member' => array( 'id' => 'm_5' ) ), $account ),
			'one that it does not, by its phone'     => array( 7, '8 900 000-00-01', array( 'member' => null ), $phone ),
			'a guest by the phone, vouched by nobody' => array( 0, '8 900 000-00-01', null, $phone ),
			'a guest who typed no phone'             => array( 0, 'later', null, null ),
		);
	}

	public function test_an_account_that_the_hub_does_not_know_is_not_asked_about_with_every_cart(): void {
		Shop::$phone = '8 900 000-00-01';
		Shop::answer( 200, array( 'member' => null ) );
		$this->hub_takes( 39800, 0, 0 );
		WC()->cart->calculate_totals();
		WC()->cart->items['a']['quantity'] = 3;
		$this->hub_takes( 39800, 0, 0 );
		WC()->cart->calculate_totals();
		$this->assertCount( 3, Shop::$sent );
		$this->assertSame( array(), Shop::$user_meta, 'whom a typed phone names is not the account' );
	}

	public function test_points_are_spent_with_a_code(): void {
		Shop::$user  = 0;
		Shop::$phone = '8 900 000-00-01';
		$unproved    = $this->quoted( array( 'a' => array( 39800, 0, 0 ) ) );
		$unproved['points'] = array( 'spend_max' => '0.00', 'code_required' => true ) + $unproved['points'];
		Shop::answer( 200, $unproved );
		WC()->cart->calculate_totals();
		$this->assertTrue( Offer::of_cart()['by_code'] );
		$this->assertFalse( Offer::of_cart()['code_sent'] );

		Shop::answer( 202, array( 'id' => 'cf_1' ) );
		$this->assertNull( Choices::take( array( 'send' => '1' ) ) );
		$this->assertSame( array( 'spend', 'cart-', '8 900 000-00-01' ), array( Shop::asked()[1][2]['purpose'], substr( Shop::asked()[1][2]['cart'], 0, 5 ), Shop::asked()[1][2]['member']['phone'] ) );
		$this->assertTrue( Offer::of_cart()['code_sent'] );

		Shop::answer( 422, array( 'code' => 'code_wrong', 'detail' => 'Код неверен.' ) );
		Shop::answer( 200, $unproved ); // All that may be spent is chosen now.
		$this->assertSame( 'Код неверен.', Choices::take( array( 'confirm' => '111111' ) ) );

		Shop::answer( 201, array( 'id' => 'h_1', 'expires_at' => gmdate( 'c', time() + 1800 ), 'quote' => $this->quoted( array( 'a' => array( 39800, 0, 10000 ) ) ) ) );
		$this->assertNull( Choices::take( array( 'confirm' => ' 123456 ' ) ) );
		$asked = Shop::asked();
		$this->assertSame( array( '123456', 'max' ), array( end( $asked )[2]['code'], end( $asked )[2]['spend'] ) );
		$this->assertSame( array( 'loyalty-points' ), WC()->cart->applied );

		$count  = count( Shop::$sent );
		$errors = new WP_Error();
		do_action( 'woocommerce_after_checkout_validation', array(), $errors );
		$order = $this->order( 13 );
		do_action( 'woocommerce_checkout_create_order', $order, array() );
		$this->assertSame( array( false, 'h_1', '100.00' ), array( $errors->has_errors(), $order->meta['_loyalty_hub_hold'], $order->meta['_loyalty_hub_points_spent'] ) );
		$this->assertCount( $count, Shop::$sent, 'the code has promised it already' );

		WC()->cart->items['a']['quantity'] = 3;
		Shop::answer( 204, array() );
		Shop::answer( 200, $unproved );
		WC()->cart->calculate_totals();
		$asked = Shop::asked();
		$this->assertSame( array( 'DELETE', 'https://hub.example/api/v1/holds/h_1' ), array_slice( $asked[ $count ], 0, 2 ) );
		$this->assertSame( array(), WC()->cart->applied, 'another cart needs another code' );
	}

	public function test_points_that_wait_for_a_code_do_not_stop_the_sale(): void {
		Shop::$user  = 0;
		Shop::$phone = '8 900 000-00-01';
		$unproved    = $this->quoted( array( 'a' => array( 39800, 3980, 0 ) ) );
		$unproved['points'] = array( 'spend_max' => '0.00', 'code_required' => true ) + $unproved['points'];
		Shop::answer( 200, $unproved );
		Choices::take( array( 'points' => '100' ) );
		$this->assertSame( '100.00', Shop::asked()[0][2]['spend'] );

		Shop::answer( 201, array( 'id' => 'h_1' ) );
		$errors = new WP_Error();
		do_action( 'woocommerce_after_checkout_validation', array(), $errors );
		$this->assertFalse( $errors->has_errors() );
		$this->assertNull( Shop::asked()[1][2]['spend'] );
	}

	public function test_what_is_no_phone_names_nobody(): void {
		Shop::$user  = 0;
		Shop::$phone = '0000000000';
		Shop::answer( 422, array( 'code' => 'phone_impossible' ) );
		$this->hub_takes( 39800, 3980, 0 );
		WC()->cart->calculate_totals();
		$this->assertNull( Shop::asked()[1][2]['member'] );
		$this->assertSame( array( 'loyalty-tier' ), WC()->cart->applied );
		Shop::answer( 201, array( 'id' => 'h_1' ) );
		do_action( 'woocommerce_after_checkout_validation', array(), new WP_Error() );
		$this->assertNull( Shop::asked()[2][2]['member'] );
	}

	public function test_coupons_of_the_shop_stay_and_come_first(): void {
		WC()->cart->applied = array( 'welcome10' );
		$this->hub_takes( 39800, 3980, 0 );
		WC()->cart->calculate_totals();
		$this->assertSame( array( 'welcome10', 'loyalty-tier' ), WC()->cart->applied );
		$this->assertSame( 1000, apply_filters( 'woocommerce_coupon_sort', 0, new WC_Coupon( 'loyalty-tier' ) ) );
		$this->assertSame( 2, apply_filters( 'woocommerce_coupon_sort', 2, new WC_Coupon( 'welcome10' ) ) );
	}

	public function test_a_hub_that_is_away_costs_the_discount_and_not_the_sale(): void {
		$this->hub_takes( 39800, 3980, 0 );
		WC()->cart->calculate_totals();
		WC()->cart->items['a']['full']     = 796.0;
		WC()->cart->items['a']['quantity'] = 4;
		WC()->cart->calculate_totals(); // No answer.

		$this->assertSame( array(), WC()->cart->applied );
		$this->assertSame( 796.0, WC()->cart->items['a']['line_total'] );
		$this->assertStringContainsString( 'full price', Offer::of_cart()['notes'][0] );
		$errors = new WP_Error();
		do_action( 'woocommerce_after_checkout_validation', array(), $errors );
		$this->assertFalse( $errors->has_errors() );
		$this->assertCount( 2, Shop::$sent );
	}

	public function test_while_the_hub_is_away_other_buyers_do_not_wait_for_it(): void {
		WC()->cart->calculate_totals();
		$this->assertSame( 30, Shop::$transients['loyalty_hub_away'][1] );
		WooCommerce::$one = null;
		WC()->cart->items = array( 'a' => $this->item( 10, 'TEA', 100.0, 1 ) );
		WC()->cart->calculate_totals();
		$this->assertCount( 1, Shop::$sent );
	}

	public function test_a_hub_that_is_silent_holds_the_queue_once_in_half_a_minute(): void {
		$GLOBALS['wpdb'] = new Options_Table();
		$queue           = new Queue();
		$queue->send( 'hint', 1, '', 0 );
		$queue->send( 'hint', 2, '', 0 );
		$this->assertCount( 1, Shop::$sent );
		$this->assertSame( array( array( 'hint', 1, '', 1 ), array( 'hint', 2, '', 1 ) ), array_column( Shop::$queue, 1 ) );

		$this->assertSame( array( 'loyalty_hub_silent' ), array_keys( Shop::$transients ), 'buyers are priced' );

		set_transient( 'loyalty_hub_away', 0, 30 );
		delete_transient( 'loyalty_hub_silent' );
		$queue->send( 'hint', 1, '', 1 );
		$this->assertCount( 1, Shop::$sent, 'a buyer has waited for it' );
	}

	public function test_the_codes_of_our_coupons_are_worth_nothing_when_typed(): void {
		foreach ( Coupons::CODES as $code ) {
			$this->assertFalse( ( new WC_Coupon( $code ) )->data );
		}
		$this->assertFalse( apply_filters( 'woocommerce_get_shop_coupon_data', false, 5, null ) );
	}

	public function test_the_buyer_chooses_points_and_codes(): void {
		$this->hub_takes( 39800, 0, 10000 );
		$this->assertNull( Choices::take( array( 'points' => '100', 'code' => 'SPRING' ) ) );
		$this->assertSame( array( '100.00', array( 'SPRING' ) ), array( Shop::asked()[0][2]['spend'], Shop::asked()[0][2]['coupons'] ) );

		$this->assertNotNull( Choices::take( array( 'points' => 'many' ) ) );

		$this->hub_takes( 39800, 0, 0 );
		Choices::take( array( 'points' => '', 'drop' => 'SPRING' ) );
		$this->assertSame( array( null, array() ), array( Shop::asked()[1][2]['spend'], Shop::asked()[1][2]['coupons'] ) );
		$this->assertSame( array(), WC()->cart->applied );
	}

	public function test_removing_the_coupon_of_points_spends_none(): void {
		$this->hub_takes( 39800, 0, 10000 );
		Choices::take( array( 'points' => 'max' ) );
		WC()->cart->applied = array();
		do_action( 'woocommerce_removed_coupon', 'loyalty-points' );
		$this->hub_takes( 39800, 0, 0 );
		WC()->cart->calculate_totals();
		$this->assertNull( Shop::asked()[1][2]['spend'] );
		$this->assertSame( array(), WC()->cart->applied );
	}

	public function test_the_buyer_is_told_of_points_and_codes(): void {
		$answer              = $this->quoted( array( 'a' => array( 39800, 0, 0 ) ) );
		$answer['member']    = array( 'id' => 'm_5', 'balance' => array( 'available' => '1250.50' ) );
		$answer['coupons']   = array( array( 'code' => 'SPRING', 'status' => 'rejected', 'text' => 'Мало товаров' ) );
		Shop::answer( 200, $answer );
		Choices::take( array( 'code' => 'SPRING' ) );
		$view = Offer::of_cart();
		$this->assertSame( array( 'Your points: 1 250,50', 'Points that may be used for this order: 50', 'Points that this order brings: 3' ), $view['notes'] );
		$this->assertSame( array( array( 'code' => 'SPRING', 'text' => 'SPRING: Мало товаров' ) ), $view['codes'] );
		$this->assertTrue( $view['can_spend'] );
	}

	public function test_an_order_carries_what_the_hub_reads(): void {
		$this->hub_takes( 39800, 3980, 10000 );
		Choices::take( array( 'points' => '100' ) );
		Shop::answer( 201, array( 'id' => 'h_1' ) );
		$errors = new WP_Error();
		do_action( 'woocommerce_after_checkout_validation', array(), $errors );
		$this->assertFalse( $errors->has_errors() );

		$order = $this->order( 13 );
		do_action( 'woocommerce_checkout_create_order', $order, array() );
		$this->assertSame( array( '_loyalty_hub_hold' => 'h_1', '_loyalty_hub_points_spent' => '100.00', '_loyalty_hub_spend' => '100.00', '_loyalty_hub_earn' => '3.00' ), $order->meta );
		$this->assertSame(
			array(
				'_loyalty_hub_line' => 'a', '_loyalty_hub_discount' => '39.80', '_loyalty_hub_spend' => '100.00',
				'_loyalty_hub_off' => array( 'loyalty-tier' => 3980, 'loyalty-points' => 10000 ),
			),
			$order->items[1]->meta
		);

		do_action( 'woocommerce_checkout_order_processed', 13, array(), $order );
		$this->assertSame( array( array( 'tie', 13, '', 0 ), array( 'hint', 13, '', 0 ) ), array_column( Shop::$queue, 1 ) );
	}

	public function test_a_cart_whose_payment_failed_keeps_its_hold_and_an_ordered_one_ends(): void {
		$this->hub_takes( 39800, 0, 10000 );
		Choices::take( array( 'points' => '100' ) );
		$cart = Shop::asked()[0][2]['cart'];
		Shop::answer( 201, array( 'id' => 'h_1' ) );
		do_action( 'woocommerce_after_checkout_validation', array(), new WP_Error() );
		Shop::answer( 201, array( 'id' => 'h_2' ) );
		do_action( 'woocommerce_after_checkout_validation', array(), new WP_Error() );
		$this->assertSame( array( $cart, $cart ), array( Shop::asked()[1][2]['cart'], Shop::asked()[2][2]['cart'] ) );

		do_action( 'woocommerce_cart_emptied', true );
		$this->hub_takes( 39800, 0, 0 );
		WC()->cart->calculate_totals();
		$this->assertNotSame( $cart, Shop::asked()[3][2]['cart'] );
		$this->assertNull( Shop::asked()[3][2]['spend'] );
	}

	public function test_a_price_that_changed_is_shown_at_the_classic_checkout(): void {
		$this->hub_takes( 39800, 3980, 0 );
		WC()->cart->calculate_totals();
		Shop::answer( 409, array( 'code' => 'price_changed' ) );
		$this->hub_takes( 39800, 1000, 0 );
		$errors = new WP_Error();
		do_action( 'woocommerce_after_checkout_validation', array(), $errors );
		$this->assertTrue( $errors->has_errors() );
		$this->assertTrue( WC()->session->get( 'refresh_totals' ) );
		$this->assertSame( 388.0, round( WC()->cart->items['a']['line_total'], 2 ) );
	}

	public function test_a_price_that_the_last_choice_changed_is_shown_before_anything_is_promised(): void {
		$this->hub_takes( 39800, 3980, 0 );
		WC()->cart->calculate_totals();
		WC()->session->set( 'chosen_payment_method', 'cod' );
		$this->hub_takes( 39800, 1000, 0 );
		$errors = new WP_Error();
		do_action( 'woocommerce_after_checkout_validation', array(), $errors );
		$this->assertTrue( $errors->has_errors() );
		$this->assertSame( 388.0, round( WC()->cart->items['a']['line_total'], 2 ) );

		Shop::answer( 201, array( 'id' => 'h_1' ) );
		$errors = new WP_Error();
		do_action( 'woocommerce_after_checkout_validation', array(), $errors );
		$this->assertFalse( $errors->has_errors() );
		$this->assertSame( '388.00', Shop::asked()[2][2]['expect']['payable'] );
	}

	public function test_errors_of_the_form_come_before_any_promise(): void {
		$this->hub_takes( 39800, 3980, 0 );
		WC()->cart->calculate_totals();
		do_action( 'woocommerce_after_checkout_validation', array(), new WP_Error( 'shipping', 'Where to?' ) );
		$this->assertCount( 1, Shop::$sent );
	}

	public function test_cells_of_a_table_that_is_stacked_name_their_columns(): void {
		$told = LoyaltyHub\Account::table( array( 'Day', 'A "b"' ), array( array( '1 May', '<5>' ) ) );
		$this->assertStringContainsString( 'shop_table_responsive', $told );
		$this->assertStringContainsString( '<td data-title="Day">1 May</td><td data-title="A &quot;b&quot;">&lt;5&gt;</td>', $told );
		$told = LoyaltyHub\Account::table( array(), array( array( 'Tier', 'Gold' ) ) );
		$this->assertStringNotContainsString( 'responsive', $told );
		$this->assertStringContainsString( '<td>Tier</td><td>Gold</td>', $told );
	}

	public function test_a_draft_of_blocks_says_what_the_coupons_take_off_by_now(): void {
		$this->hub_takes( 39800, 3980, 0 );
		WC()->cart->calculate_totals();
		WC()->cart->off = array( 'loyalty-tier' => array( 33.17, 6.63 ), 'sale' => array( 5, 1 ) );
		$order          = $this->order( 13 );
		$order->coupons = array( new WC_Order_Item_Coupon( 'loyalty-tier', 11.08, 2.22 ), new WC_Order_Item_Coupon( 'sale', 3, 0 ) );
		Shop::answer( 201, array( 'id' => 'h_1' ) );
		do_action( 'woocommerce_store_api_checkout_update_order_from_request', $order, new WP_REST_Request( 'POST' ) );
		$told = array_map( fn( $one ) => array( $one->discount, $one->discount_tax ), $order->coupons );
		$this->assertSame( array( array( 33.17, 6.63 ), array( 3, 0 ) ), $told, 'the coupons of the shop are its own' );
	}

	public function test_the_checkout_of_blocks_promises_when_the_order_is_placed_and_not_before(): void {
		$this->hub_takes( 39800, 3980, 0 );
		WC()->cart->calculate_totals();
		$order = $this->order( 13 );
		do_action( 'woocommerce_store_api_checkout_update_order_from_request', $order, new WP_REST_Request( 'PUT' ) );
		$this->assertSame( array(), $order->meta );

		Shop::answer( 201, array( 'id' => 'h_1' ) );
		do_action( 'woocommerce_store_api_checkout_update_order_from_request', $order, new WP_REST_Request( 'POST' ) );
		$this->assertSame( 'h_1', $order->meta['_loyalty_hub_hold'] );

		Shop::answer( 409, array( 'code' => 'not_enough_points' ) );
		$this->hub_takes( 39800, 0, 0 );
		$this->expectException( RouteException::class );
		$this->expectExceptionCode( 409 );
		do_action( 'woocommerce_store_api_checkout_update_order_from_request', $order, new WP_REST_Request( 'POST' ) );
	}

	public function test_an_order_of_before_that_is_paid_by_blocks_keeps_its_price_whatever_is_in_the_cart(): void {
		$this->hub_takes( 39800, 3980, 0 );
		WC()->cart->calculate_totals();
		$order        = $this->order( 13 );
		$order->total = 1790.0;
		$order->meta  = $said = array( '_loyalty_hub_hold' => 'h_1', '_loyalty_hub_points_spent' => '500.00', '_loyalty_hub_certificates' => '10.00' );
		$request      = new WP_REST_Request( 'POST' );
		// WooCommerce 10.5.2: `checkout/(?P<id>[\d]+)`.
		$request->url = array( 'id' => '13' );
		do_action( 'woocommerce_store_api_checkout_update_order_from_request', $order, $request );
		WC()->cart->items = array();
		do_action( 'woocommerce_store_api_checkout_update_order_from_request', $order, $request );

		$this->assertSame( array( 1790.0, $said ), array( $order->total, $order->meta ) );
		$this->assertCount( 1, Shop::$sent, 'nothing is promised for another cart' );
	}

	/**
	 * @dataProvider ends
	 */
	public function test_what_releases_points( callable $event, array $kinds ): void {
		$order                           = $this->order( 13 );
		$order->meta['_loyalty_hub_hold'] = 'h_1';
		$event();
		$this->assertSame( $kinds, array_map( fn( $one ) => $one[1][0] . ':' . $one[1][2], Shop::$queue ) );
	}

	public static function ends(): array {
		return array(
			'cancelled' => array( fn() => do_action( 'woocommerce_order_status_changed', 13, 'pending', 'cancelled', null ), array( 'release:h_1', 'hint:' ) ),
			'trashed'   => array( fn() => do_action( 'woocommerce_trash_order', 13 ), array( 'release:h_1', 'hint:' ) ),
			'deleted'   => array( fn() => do_action( 'woocommerce_before_delete_order', 13, null ), array( 'release:h_1', 'hint:' ) ),
			'failed: the buyer may try again' => array( fn() => do_action( 'woocommerce_order_status_changed', 13, 'pending', 'failed', null ), array( 'hint:' ) ),
			'refunded'  => array( fn() => do_action( 'woocommerce_order_refunded', 13, 14 ), array( 'hint:' ) ),
		);
	}

	public function test_the_same_message_waits_once(): void {
		( new Orders() )->tell( 13 );
		( new Orders() )->tell( 13 );
		( new Orders() )->tell( 14 );
		$this->assertCount( 2, Shop::$queue );
	}

	public function test_a_shop_without_the_secret_sends_no_hints(): void {
		Shop::$options['woocommerce_loyalty_hub_settings']['secret'] = '';
		( new Orders() )->tell( 13 );
		$this->assertSame( array(), Shop::$queue );
	}

	public function test_messages_go_out(): void {
		$this->order( 13 )->meta['_loyalty_hub_hold'] = 'h_1';
		$GLOBALS['wpdb'] = new Options_Table();
		foreach ( array( array( 'tie', 13, '' ), array( 'release', 13, 'h_1' ), array( 'hint', 13, '' ) ) as $message ) {
			Shop::answer( 200, array() );
			do_action( Queue::HOOK, ...array( ...$message, 0 ) );
		}
		$this->assertSame(
			array(
				array( 'PATCH', 'https://hub.example/api/v1/holds/h_1', array( 'order' => 'N-13' ) ),
				array( 'DELETE', 'https://hub.example/api/v1/holds/h_1', null ),
				array( 'POST', 'https://hub.example/hooks/i_zz/events', array( 'action' => 'woocommerce_update_order', 'arg' => 13 ) ),
			),
			Shop::asked()
		);
		$this->assertSame( $GLOBALS['wpdb']->rows['loyalty_hub_number'], Shop::$sent[2][3]['headers']['X-WC-Webhook-Delivery-ID'] );
		$this->assertSame( array(), Shop::$queue );
	}

	/**
	 * @dataProvider refusals
	 */
	public function test_a_message_that_may_yet_arrive_is_sent_again_later( int $status, int $attempt, ?int $pause ): void {
		Shop::answer( $status, array() );
		if ( null === $pause ) {
			$this->expectException( RuntimeException::class );
		}
		do_action( Queue::HOOK, 'release', 13, 'h_1', $attempt );
		list( $hook, $message, $group, $at ) = Shop::$queue[0];
		$this->assertSame( array( Queue::HOOK, array( 'release', 13, 'h_1', $attempt + 1 ), Queue::GROUP ), array( $hook, $message, $group ) );
		$this->assertEqualsWithDelta( time() + $pause, $at, 5 );
	}

	public static function refusals(): array {
		return array(
			'no answer'        => array( 0, 0, 60 ),
			'an error'         => array( 503, 1, 300 ),
			'too many calls'   => array( 429, 2, 900 ),
			'a key to be mended' => array( 401, 5, 86400 ),
			'for the last time'  => array( 503, 6, null ),
			'a refusal'          => array( 422, 0, null ),
		);
	}

	/**
	 * @dataProvider ended
	 */
	public function test_a_hold_that_has_ended_needs_nothing_more( int $status ): void {
		Shop::answer( $status, array() );
		do_action( Queue::HOOK, 'release', 13, 'h_1', 0 );
		$this->assertSame( array(), Shop::$queue );
	}

	public static function ended(): array {
		return array( 'unknown' => array( 404 ), 'captured by its purchase' => array( 409 ) );
	}

	public function test_an_order_that_staff_calculate_anew_keeps_what_each_line_was_given(): void {
		$order                          = $this->order( 13 );
		$order->items[1]->meta          = array( '_loyalty_hub_off' => array( 'loyalty-tier' => 3980 ) );
		$order->items[1]->subtotal      = 398.0;
		$order->items[2]                = new WC_Order_Item_Product( 2 );
		$order->items[2]->subtotal      = 10.0;
		$order->items[3]                = new WC_Order_Item_Product( 3 );
		$order->items[3]->meta          = array( '_loyalty_hub_off' => array( 'loyalty-tier' => 5000 ) );
		$order->items[3]->subtotal      = 20.0;
		$coupon                         = new WC_Coupon( 'loyalty-tier' );

		$this->assertSame( $coupon, apply_filters( 'woocommerce_order_recalculate_coupons_coupon_object', $coupon, 'loyalty-tier', null, $order ) );
		$this->assertSame( 'loyalty_hub', $coupon->type );
		$off = apply_filters( 'woocommerce_coupon_custom_discounts_array', array( 1 => 0, 2 => 0, 3 => 0 ), $coupon );
		$this->assertSame( array( 1 => 3980.0, 2 => 0.0, 3 => 2000.0 ), $off );
	}

	public function test_a_connection_that_is_no_id_names_nobody(): void {
		Shop::$options['woocommerce_loyalty_hub_settings']['connection'] = 'shop';
		$this->assertNull( Options::system() );
	}

	private function item( int $id, string $sku, float $full, int $quantity, string $tax_class = '' ): array {
		return array( 'data' => new WC_Product( $id, $sku, 'Чай', $tax_class ), 'product_id' => $id, 'variation_id' => 0, 'quantity' => $quantity, 'full' => $full, 'line_total' => $full, 'line_tax' => 0.0 );
	}

	private function order( int $id ): WC_Order {
		$item = new WC_Order_Item_Product( 1 );
		do_action( 'woocommerce_checkout_create_order_line_item', $item, 'a', array(), null );
		$order              = new WC_Order( $id );
		$order->items       = array( 1 => $item );
		Shop::$orders[ $id ] = $order;
		return $order;
	}

	private function hub_takes( int $amount, int $discount, int $spend ): void {
		Shop::answer( 200, $this->quoted( array( 'a' => array( $amount, $discount, $spend ) ) ) );
	}

	private function quoted( array $lines ): array {
		$answer = array( 'degraded' => false, 'valid_until' => gmdate( 'c', time() + 300 ), 'lines' => array(), 'coupons' => array() );
		$totals = array( 'discount' => 0, 'spend' => 0, 'payable' => 0 );
		foreach ( $lines as $id => list( $amount, $discount, $spend ) ) {
			$sums              = array( 'discount' => $discount, 'spend' => $spend, 'payable' => $amount - $discount - $spend );
			$answer['lines'][] = array( 'id' => $id ) + array_map( array( Money::class, 'write' ), $sums );
			foreach ( $sums as $name => $sum ) {
				$totals[ $name ] += $sum;
			}
		}
		$answer['totals'] = array_map( array( Money::class, 'write' ), $totals );
		$answer['points'] = array( 'earn' => '3.00', 'spend' => Money::write( $totals['spend'] ), 'spend_min' => '0.00', 'spend_max' => '50.00', 'spend_step' => '1.00', 'code_required' => false );
		return $answer;
	}
}
